import { createReadStream, fstatSync, openSync } from 'node:fs'
import { type Duplex, pipeline, type Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { InputError, UsageError } from '../../errors.ts'
import { detectFormat, type TextFormat } from './format.ts'

/** An input that is open: its text is UTF-8, decompressed, without byte order mark. */
export interface Input {
  /** As messages name it: the path as given, or `stdin`. */
  readonly name: string
  readonly text: TextFormat
  /** The text; can be gone through once. */
  readonly blocks: AsyncIterable<Uint8Array>
  /** True when a pipe has nothing more at the moment: records go out when they come, not when a chunk is full. */
  idle(): boolean
  /** How much of it was read, 0 to 1; undefined for a pipe. */
  fractionRead(): number | undefined
  /** Lets go of the file; `blocks` then ends with an error. */
  close(): void
}

const readBytes = 256 * 1024
/** How far the text is looked at for its format. */
const headBytes = 64 * 1024

/**
 * Opens a file, or stdin for `-`. gzip and zstd are recognised by their first bytes. Throws UsageError when the file
 * cannot be opened or its format is not known, InputError for UTF-16.
 */
export async function openInput(path: string, forced: Partial<TextFormat> = {}): Promise<Input> {
  const raw = path === '-' ? stdin() : file(path)
  const name = path === '-' ? 'stdin' : path
  let { stream } = raw
  try {
    let head = await readHead(stream, Buffer.alloc(0), (bytes) => bytes.length >= 4)
    const inflate = decompressorFor(head)
    if (inflate) {
      inflate.write(head)
      // An error of either stream destroys the other; it reaches the reader of `inflate`.
      stream = pipeline(stream, inflate, () => undefined)
      head = Buffer.alloc(0)
    }
    head = withoutByteOrderMark(await readHead(stream, head, holdsLine), name)
    return {
      name,
      text: detectFormat(name, head.toString('utf8'), forced),
      blocks: blocksOf(head, stream),
      idle: () => raw.live && stream.readableLength === 0,
      fractionRead: raw.fractionRead,
      close: () => stream.destroy(),
    }
  } catch (error) {
    stream.destroy()
    throw streamError(error, name)
  }
}

/** What a broken stream means to the user: damaged compression is bad input, the rest is as it was. */
export function streamError(error: unknown, name: string): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  if (!/^(Z|ZSTD)_/.test(code)) return error
  return new InputError('the compressed data is damaged or ends too early', { where: name, cause: error })
}

interface Raw extends Pick<Input, 'fractionRead'> {
  readonly stream: Readable
  /** A pipe or device. */
  readonly live: boolean
}

function stdin(): Raw {
  if (process.stdin.isTTY) {
    throw new UsageError('nothing to read: no file given, and stdin is a terminal', {
      next: 'etl produce FILE --topic TOPIC, or pipe records in, or --generate N',
    })
  }
  return { stream: process.stdin, live: true, fractionRead: () => undefined }
}

function file(path: string): Raw {
  let fd: number
  let size: number
  let live: boolean
  try {
    fd = openSync(path, 'r')
    const stat = fstatSync(fd)
    if (stat.isDirectory()) throw Object.assign(new Error('it is a directory'), { code: 'EISDIR' })
    live = !stat.isFile()
    size = stat.size
  } catch (cause) {
    throw new UsageError('the input cannot be opened', { where: path, cause })
  }
  const stream = createReadStream(path, { fd, highWaterMark: readBytes })
  return { stream, live, fractionRead: () => (live ? undefined : size === 0 ? 1 : stream.bytesRead / size) }
}

async function* blocksOf(head: Buffer, stream: Readable): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head
  if (!stream.readableEnded) yield* stream
}

/** Reads on from `head` until it is `enough`, or 64 kB, or the end. */
async function readHead(stream: Readable, head: Buffer, enough: (head: Buffer) => boolean): Promise<Buffer> {
  let bytes = head
  while (!enough(bytes) && bytes.length < headBytes && !stream.readableEnded) {
    const block = stream.read() as Buffer | null
    if (block) bytes = Buffer.concat([bytes, block])
    else if (stream.errored) throw stream.errored
    else await readable(stream)
  }
  return bytes
}

function readable(stream: Readable): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      for (const event of ['readable', 'end', 'close']) stream.off(event, settle)
      stream.off('error', settle)
      if (error instanceof Error) reject(error)
      else resolve()
    }
    for (const event of ['readable', 'end', 'close']) stream.once(event, settle)
    stream.once('error', settle)
  })
}

function decompressorFor(head: Buffer): Duplex | undefined {
  if (head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b) return createGunzip({ chunkSize: readBytes })
  if (head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528)
    return createZstdDecompress({ chunkSize: readBytes })
  return undefined
}

function holdsLine(head: Buffer): boolean {
  return head.indexOf(0x0a) !== -1
}

function withoutByteOrderMark(head: Buffer, name: string): Buffer {
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) {
    throw new InputError('the input is UTF-16; etl reads UTF-8', {
      where: name,
      next: `iconv -f UTF-16 -t UTF-8 ${name === 'stdin' ? '' : `${name} `}| etl produce …`,
    })
  }
  return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? head.subarray(3) : head
}
