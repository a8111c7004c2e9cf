import { isUtf8 } from 'node:buffer'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { UnexpectedError, UsageError } from '../../errors.ts'
import type { BadRecord } from './work.ts'

/** One line of the bad-record file. `raw` gives the record back: `jq -r .raw bad.ndjson` is input for `etl produce` again. */
interface BadLine {
  readonly input: string
  readonly line: number
  readonly column?: number
  readonly field: string
  readonly reason: string
  readonly raw?: string
  /** Instead of `raw` where the bytes are not UTF-8. */
  readonly rawBase64?: string
}

/** The file that takes the records that do not fit: NDJSON, one object a record, in input order. */
export class BadFile {
  readonly path: string
  /** Length of the file. */
  bytes: number
  readonly #file: FileHandle

  private constructor(path: string, file: FileHandle, bytes: number) {
    this.path = path
    this.#file = file
    this.bytes = bytes
  }

  /**
   * Starts the file empty, or with the first `keep` bytes that it has: what earlier runs wrote for records that are done with. Throws
   * UsageError when it cannot be written, or is one of the inputs.
   */
  static async open(path: string, inputs: readonly string[], keep = 0): Promise<BadFile> {
    for (const input of inputs) {
      if (await sameFile(path, input)) {
        throw new UsageError('the bad-record file would overwrite the input', {
          where: path,
          next: '--bad-file OTHER',
        })
      }
    }
    try {
      const size = await stat(path).then(
        (found) => found.size,
        () => 0,
      )
      // Shorter than it was: moved away, say. What follows goes to a new one.
      if (keep === 0 || size < keep) return new BadFile(path, await open(path, 'w'), 0)
      const file = await open(path, 'a')
      await file.truncate(keep)
      return new BadFile(path, file, keep)
    } catch (cause) {
      throw new UsageError('the bad-record file cannot be written', { where: path, cause })
    }
  }

  /** Throws UnexpectedError, for instance when the disk is full. */
  async write(bad: readonly BadRecord[]): Promise<void> {
    const lines = Buffer.from(bad.map(lineOf).join(''))
    await this.#try(() => this.#file.writeFile(lines))
    this.bytes += lines.length
  }

  async close(): Promise<void> {
    await this.#try(async () => {
      try {
        await this.#file.sync()
      } catch (error) {
        // Pipes and devices cannot be synced, and need not be.
        if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error
      } finally {
        await this.#file.close()
      }
    })
  }

  async #try(f: () => Promise<void>): Promise<void> {
    try {
      await f()
    } catch (cause) {
      const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC'
      throw new UnexpectedError(
        full ? 'the disk of the bad-record file is full' : 'writing the bad-record file failed',
        {
          where: this.path,
          cause,
          next: '--bad-file on a disk with room; the records so far were sent, see the totals',
        },
      )
    }
  }
}

function lineOf(bad: BadRecord): string {
  const raw = Buffer.from(bad.raw.buffer, bad.raw.byteOffset, bad.raw.length)
  const line: BadLine = {
    input: bad.input,
    line: bad.line,
    ...(bad.column === undefined ? {} : { column: bad.column }),
    field: bad.field,
    reason: bad.reason,
    ...(isUtf8(raw) ? { raw: raw.toString('utf8') } : { rawBase64: raw.toString('base64') }),
  }
  return `${JSON.stringify(line)}\n`
}

async function sameFile(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([a, b].map((path) => stat(path).catch(() => undefined)))
  return left !== undefined && right !== undefined && left.ino === right.ino && left.dev === right.dev
}
