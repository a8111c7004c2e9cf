import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { sizeOf } from './file-size.ts'

const pollMs = 200

/** The last `lines` lines of a file, read from its end; empty when there is no such file. */
export async function tail(file: string, lines: number): Promise<{ lines: string[]; size: number }> {
  const size = await sizeOf(file)
  if (size === undefined || size === 0 || lines <= 0) return { lines: [], size: size ?? 0 }
  const handle = await open(file)
  try {
    let text = Buffer.alloc(0)
    let at = size
    // One line break more than lines: the one before the first of them.
    while (at > 0 && count(text, '\n') <= lines) {
      const length = Math.min(at, 64 * 1024)
      at -= length
      const chunk = Buffer.alloc(length)
      await handle.read(chunk, 0, length, at)
      text = Buffer.concat([chunk, text])
    }
    const all = text.toString('utf8').replace(/\n$/, '').split('\n')
    return { lines: all.slice(-lines), size }
  } finally {
    await handle.close()
  }
}

/** The end of a log for people: the last lines that say something, without the frames of Java's stack traces. */
export async function lastWords(file: string, lines: number): Promise<string[]> {
  const { lines: end } = await tail(file, lines * 10)
  return end.filter((line) => !/^\s+(at |\.\.\. \d+ more)/.test(line)).slice(-lines)
}

/** The same as one indented text, for an error's cause. */
export async function endOfLog(file: string): Promise<string> {
  const lines = await lastWords(file, 10)
  return lines.length === 0 ? '    (empty)' : lines.map((line) => `    ${line}`).join('\n')
}

/**
 * Text that is added to a file from byte `from` on, until `signal` aborts. A file that became shorter is a new
 * one (a service that was started again) and is read from its start.
 */
export async function* follow(file: string, from: number, signal: AbortSignal): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let at = from
  while (!signal.aborted) {
    const size = (await sizeOf(file)) ?? 0
    if (size < at) at = 0
    if (size > at) {
      const chunk = await readRange(file, at, Math.min(size - at, 1024 * 1024))
      at += chunk.length
      yield decoder.decode(chunk, { stream: true })
    } else {
      await sleep(pollMs, undefined, { signal }).catch((err: unknown) => {
        if (!signal.aborted) throw err
      })
    }
  }
}

async function readRange(file: string, from: number, length: number): Promise<Buffer> {
  const handle = await open(file)
  try {
    const chunk = Buffer.alloc(length)
    const { bytesRead } = await handle.read(chunk, 0, length, from)
    return chunk.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

function count(text: Buffer, character: string): number {
  let found = 0
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) found += 1
  return found
}
