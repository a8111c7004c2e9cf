/** Exponential back-off with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"), milliseconds. */
export function backoffDelay(attempt: number, base = 100, cap = 5_000): number {
  return 50 + Math.random() * Math.min(cap, base * 2 ** Math.min(attempt, 20))
}
