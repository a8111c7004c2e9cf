import { EtlError, ExitCode } from '../errors.ts'
import { endOfLog } from '../stack/log.ts'
import type { Consumer } from './consumers.ts'
import type { Monitor, Stuck } from './monitor.ts'
import type { Producer } from './producer.ts'

const next = 'the logs of the run are kept; the same plan again: --seed'

/** The run waits for something that does not come; says what, and what those who should do it said last. */
export class StalledError extends EtlError {
  readonly code = 'stalled'
  readonly exitCode = ExitCode.behind
}

export interface Watched {
  readonly monitor: Monitor
  readonly consumers: readonly Consumer[]
  readonly producer: Producer
  /** Milliseconds. */
  readonly patience: number
  readonly signal: AbortSignal
}

/** Rejects with StalledError when a partition or the log stands still for too long; ends quietly when `signal` aborts. */
export async function watchForStalls(watched: Watched): Promise<void> {
  const { monitor, consumers, producer, patience, signal } = watched
  let stuck: Stuck[] = []
  await monitor.until(() => {
    stuck = monitor.stuck(patience)
    return stuck.length > 0 || isSilent(watched)
  }, signal)
  if (signal.aborted) return
  throw stuck.length > 0
    ? await consumersStalled(stuck, consumers)
    : await producerStalled(producer, patience)
}

/** Once the producer has finished the log need not grow any more. */
function isSilent({ monitor, producer, patience }: Watched): boolean {
  return !producer.finished && monitor.silence > patience
}

/** What is known of partitions that stand still. */
async function consumersStalled(
  stuck: readonly Stuck[],
  consumers: readonly Consumer[],
): Promise<StalledError> {
  const partitions = stuck.map(
    ({ sink, partition, for: still, stored, end }) =>
      `${sink} partition ${partition}: offset ${stored?.offset ?? 'none'} of ${end} for ${Math.round(still / 1000)} s, ` +
      `epoch ${stored?.epoch ?? 0}, owner ${stored?.owner ?? 'none'}`,
  )
  const sinks = new Set<string>(stuck.map(({ sink }) => sink))
  const said = await Promise.all(
    consumers
      .filter(({ name }) => sinks.has(name.split('/')[0] ?? ''))
      .map(async ({ name, log, process }) => {
        const runs = process ? `process ${process.pid}` : 'not running'
        return `consumer ${name} (${runs}) said last:\n${await endOfLog(log)}`
      }),
  )
  return new StalledError('partitions stand still although there is something to store', {
    where: partitions.join('\n         '),
    cause: new Error(said.join('\n')),
    next,
  })
}

export async function producerStalled(producer: Producer, patience: number): Promise<StalledError> {
  return new StalledError(`the producer has come no further for ${Math.round(patience / 1000)} s`, {
    where: producer.log,
    cause: new Error(`it said last:\n${await endOfLog(producer.log)}`),
    next,
  })
}
