/** Milliseconds before the next attempt: doubled each time up to two seconds, with full jitter from half of it on. */
export function retryDelay(attempt: number): number {
  const limit = Math.min(2000, 50 * 2 ** (attempt - 1))
  return limit / 2 + (Math.random() * limit) / 2
}

/** Ends early when `signal` aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const end = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal?.addEventListener('abort', end)
  })
}
