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
