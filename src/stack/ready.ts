import { setTimeout as sleep } from 'node:timers/promises'
import { UnreachableError } from '../errors.ts'
import { listensOn } from './listener.ts'
import { endOfLog } from './log.ts'
import type { Service } from './service.ts'
import { endProcess, isRunning } from './service-process.ts'
import { serviceOf } from './services.ts'
import type { ServiceName, ServiceState } from './state.ts'

const withinMs = 120_000

/** Asks until the service answers, it dies, or the time is up; one that never answers is ended. */
export async function awaitReady(name: ServiceName, entry: ServiceState): Promise<void> {
  const service: Service = serviceOf(name)
  const deadline = performance.now() + withinMs
  for (;;) {
    const answer = await service.probe(entry).then(
      () => undefined,
      (err: Error) => err,
    )
    // Asked after the probe: a process that is gone cannot be the one that answered.
    const alive = await isRunning(entry)
    const another = answer === undefined && (await listensOn(entry.pid, entry.port)) === false
    if (alive && answer === undefined && !another) return
    if (!alive || performance.now() > deadline) {
      if (alive) await endProcess(entry, service.stopSignal, 10_000)
      throw new UnreachableError(
        alive ? `${name} did not answer within ${withinMs / 1000} s` : `${name} ended while it was starting`,
        {
          where: entry.log,
          cause: new Error(
            `${alive ? `${answer?.message}; ` : ''}the end of its log:\n${await endOfLog(entry.log)}`,
          ),
          next: `etl stack logs ${name} --lines 100`,
        },
      )
    }
    await sleep(75)
  }
}
