import { randomBytes } from 'node:crypto'
import type { KafkaConfig } from '../../../../src/kafka/config.ts'
import { defaultLimits } from '../../../../src/kafka/fetch/log-slice.ts'
import { LogReader } from '../../../../src/kafka/log-reader.ts'
import { openReader } from '../../../../src/kafka/open.ts'
import type { GroupReaderOptions, Reader } from '../../../../src/kafka/reader.ts'
import type { RecordBatch, TopicPartition } from '../../../../src/kafka/types.ts'

export interface Range {
  readonly from: bigint
  /** Not included. Must be an offset that the log reaches. */
  readonly to: bigint
  readonly maxPartitionBytes: number
}

/** A way to read committed records, under test. */
export interface Subject {
  readonly name: string
  /** Reads one partition; throws what stops it. */
  read(cluster: KafkaConfig, tp: TopicPartition, range: Range): AsyncIterable<RecordBatch>
  /** A member of a group; absent when the subject knows no groups. */
  readonly open?: (cluster: KafkaConfig, options: GroupReaderOptions) => Reader
}

/** Subject of something that reads as a member of a group: one partition is read by a group of its own. */
export function groupSubject(name: string, open: Required<Subject>['open']): Subject {
  return { name, open, read: (cluster, tp, range) => readAsGroup(open, cluster, tp, range) }
}

export const groupReader = groupSubject('GroupReader', openReader)

export const logReader: Subject = {
  name: 'LogReader',
  async *read(cluster, tp, { from, to, maxPartitionBytes }) {
    const reader = new LogReader(cluster, { maxPartitionBytes, limits: defaultLimits })
    try {
      yield* reader.read(tp, from, to)
    } finally {
      await reader.close()
    }
  },
}

async function* readAsGroup(
  open: Required<Subject>['open'],
  cluster: KafkaConfig,
  tp: TopicPartition,
  { from, to, maxPartitionBytes }: Range,
): AsyncGenerator<RecordBatch> {
  if (from >= to) return
  const group = `${tp.topic}_${randomBytes(4).toString('hex')}`
  const reader = open(cluster, { group, topics: [tp.topic], clientId: 'test', maxPartitionBytes })
  const stopped = Promise.withResolvers<never>()
  stopped.promise.catch(() => undefined)
  let position = from
  reader.onAssign(async (tps) => {
    const mine = tps.filter(({ partition }) => partition === tp.partition)
    return new Map(mine.map((one) => [one, position]))
  })
  reader.onPartitionError((_tp, error) => stopped.reject(error))
  try {
    const batches = reader.batches()[Symbol.asyncIterator]()
    while (position < to) {
      const next = await Promise.race([batches.next(), stopped.promise])
      if (next.done) return
      position = next.value.nextOffset
      yield next.value
    }
  } finally {
    await reader.close()
  }
}
