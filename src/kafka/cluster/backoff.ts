import { setTimeout as delay } from 'node:timers/promises'

const first = 50
const longest = 2_000

/** Milliseconds before the n-th retry (from 0): exponential, with jitter of half of it, 2 s at most. */
export function backoff(attempt: number): number {
  const base = Math.min(first * 2 ** Math.min(attempt, 16), longest)
  return base / 2 + Math.random() * (base / 2)
}

/** Waits; returns early, without an error, when `signal` is aborted. */
export async function pauseFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(milliseconds, undefined, { signal })
  } catch {
    // aborted: the caller looks at the signal
  }
}
