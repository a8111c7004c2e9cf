/** Ctrl-C and SIGTERM as an AbortSignal: the first aborts it, the second ends the process at once. */
export interface StopSignal {
  readonly signal: AbortSignal
  dispose(): void
}

/** `onStop` is called at the first signal, to tell people what is being waited for. */
export function stopSignal(onStop: () => void): StopSignal {
  const controller = new AbortController()
  const handle = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143)
    controller.abort()
    onStop()
  }
  process.on('SIGINT', handle)
  process.on('SIGTERM', handle)
  return {
    signal: controller.signal,
    dispose() {
      process.off('SIGINT', handle)
      process.off('SIGTERM', handle)
    },
  }
}
