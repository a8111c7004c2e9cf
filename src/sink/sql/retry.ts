/** Milliseconds before the next attempt: doubled each time up to two seconds, with full jitter from half of it on. */
export function retryDelay(attempt: number): number {
  const limit = Math.min(2000, 50 * 2 ** (attempt - 1))
  return limit / 2 + (Math.random() * limit) / 2
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
