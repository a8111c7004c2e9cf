import { runningWorkers } from '../threads.ts'

/** Set in the environment of the processes that `etl chaos` starts; they then listen to it. */
export const victimVariable = 'ETL_CHAOS_VICTIM'

/** What the run says over the channel that it started the process with. */
export interface ToVictim {
  /** End this worker thread, as a crash would: no goodbye, no cleaning up. */
  readonly endThread: number
}

/**
 * Makes a process a victim: it ends a worker thread when the run says so, and itself when the run is gone, so that a killed run leaves
 * no consumers behind. Only for a process that was started with a channel and the variable above.
 */
export function obeyChaos(): void {
  process.on('message', ({ endThread }: ToVictim) => {
    const workers = runningWorkers()
    void workers[endThread % workers.length]?.terminate()
  })
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  // The channel alone is no reason to stay alive.
  process.channel?.unref()
}
