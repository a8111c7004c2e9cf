/** After a stop a statement may still take `ms`; then its connection is hung up, which makes it reject. */
export function hangUpAfter(
  ms: number,
  signal: AbortSignal | undefined,
  hangUp: () => Promise<void>,
): { dispose(): void } {
  let timer: NodeJS.Timeout | undefined
  const start = (): void => {
    timer = setTimeout(hangUp, ms)
  }
  signal?.addEventListener('abort', start)
  return {
    dispose: () => {
      signal?.removeEventListener('abort', start)
      clearTimeout(timer)
    },
  }
}

/**
 * Waits for `work`, and calls `hangUp`, which has to make it reject, as soon as `signal` aborts. For work that may be
 * given up at any moment.
 */
export async function hangingUp<T>(
  signal: AbortSignal | undefined,
  hangUp: () => Promise<void>,
  work: Promise<T>,
): Promise<T> {
  const stop = (): void => void hangUp()
  if (signal?.aborted) stop()
  signal?.addEventListener('abort', stop)
  try {
    return await work
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}
