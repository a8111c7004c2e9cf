import { parentPort } from 'node:worker_threads'
import { openAdmin, openProducer, openReader } from '../kafka/open.ts'
import { openRegistry } from '../schema/registry-client/client.ts'
import { openSink } from '../sink/open.ts'
import type { ConsumeJob, FromMember, ToMember } from './consume/job.ts'
import { Member } from './consume/member.ts'
import { RecordEncoder } from './consume/record-encoder.ts'
import { recordDigest } from './digest.ts'
import { DeadLetterPublisher } from './dlq/topic.ts'
import { toThreadError } from './thread-error.ts'

const progressInterval = 200

/** Worker role `consume`: opens the real parts, runs one member of the group, reports to the coordinator. */
export async function start(job: ConsumeJob): Promise<void> {
  const port = parentPort
  if (!port) throw new Error('the consume worker runs in a worker thread only')
  const say = (message: FromMember) => port.postMessage(message)
  const admin = openAdmin(job.kafka)
  const sink = openSink(job.sink)
  const { kafka, deadLetterTopic } = job
  const publisher =
    deadLetterTopic &&
    new DeadLetterPublisher(deadLetterTopic, job.group, () =>
      openProducer(kafka, { clientId: kafka.clientId }),
    )
  try {
    const encoder = new RecordEncoder(
      openRegistry(job.registry),
      job.reader,
      job.target,
      await recordDigest(),
    )
    const reader = openReader(job.kafka, {
      group: job.group,
      topics: [job.topic],
      clientId: job.kafka.clientId,
      sessionTimeout: job.sessionTimeout,
    })
    const publish = publisher?.publish.bind(publisher)
    const member = new Member(job, { reader, sink, admin, encoder, publish })
    const report = () => say({ type: 'progress', lanes: member.progress(), servers: member.health() })
    const timer = setInterval(report, progressInterval)
    port.on('message', (message: ToMember) => {
      if (message.type === 'stop') void member.stop()
    })
    try {
      await member.run()
    } finally {
      clearInterval(timer)
      report()
    }
  } catch (error) {
    say({ type: 'failed', error: toThreadError(error) })
  } finally {
    await Promise.all([admin.close(), sink.close(), publisher?.close()])
    say({ type: 'stopped' })
    port.close()
  }
}
