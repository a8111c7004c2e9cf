import { setTimeout as sleep } from 'node:timers/promises'
import { UnreachableError } from '../errors.ts'

/** Exponential back-off with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"), milliseconds. */
function backoffDelay(attempt: number, base = 100, cap = 15_000): number {
  return Math.random() * Math.min(cap, base * 2 ** Math.min(attempt, 20))
}

/**
 * Repeats `f` while it rejects with UnreachableError: the environment is broken, the data is not. Ends with that error when
 * `signal` aborts. `onWait` hears of every wait.
 */
export async function whileUnreachable<T>(
  f: () => Promise<T>,
  signal: AbortSignal,
  onWait: (error: UnreachableError, attempt: number) => void,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await f()
    } catch (error) {
      if (!(error instanceof UnreachableError) || signal.aborted) throw error
      onWait(error, attempt)
      // An abort ends the wait early; the next attempt then decides.
      await sleep(50 + backoffDelay(attempt), undefined, { signal }).catch(() => undefined)
      if (signal.aborted) throw error
    }
  }
}
