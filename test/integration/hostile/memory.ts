import { readFileSync } from 'node:fs'
import type { Started } from '../etl.ts'

/** The most memory that the process held while it ran, looked at every 50 ms. MB; Linux only, 0 elsewhere. */
export async function peakMemory({ child, output }: Started): Promise<number> {
  let peak = 0
  const timer = setInterval(() => {
    peak = Math.max(peak, highWaterMark(child.pid ?? 0))
  }, 50)
  await output.finally(() => clearInterval(timer))
  return peak
}

/** VmHWM: https://man7.org/linux/man-pages/man5/proc_pid_status.5.html */
function highWaterMark(pid: number): number {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kilobytes ?? 0) / 1024
  } catch {
    // It has ended between two looks, or there is no /proc.
    return 0
  }
}
