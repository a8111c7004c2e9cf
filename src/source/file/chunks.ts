import { InputError } from '../../errors.ts'
import { Bounds } from './bounds.ts'
import { CsvCutter } from './csv-cutter.ts'
import type { Cutter } from './cutter.ts'
import type { Format, TextFormat } from './format.ts'
import { type Input, streamError } from './input.ts'
import { JsonCutter } from './json-cutter.ts'
import { LineCutter } from './line-cutter.ts'

/**
 * Whole records of one input, cut out but not parsed. The bytes of an input's chunks, put together, are its text; a chunk of white space
 * between records holds none. Nothing else uses `bytes.buffer`: it may be transferred to a thread. */
export interface Chunk {
  /** Name of the input, for messages. */
  readonly input: string
  readonly format: Format
  readonly delimiter: string
  /** CSV: the names in the header. */
  readonly columns: readonly string[] | undefined
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Bytes of the text before `bytes`. */
  readonly start: number
  /** For each record: start and end (exclusive) in `bytes`, and the line (1-based) of its first byte. */
  readonly bounds: Uint32Array<ArrayBuffer>
  /** 1-based column of the first byte of `bytes`. */
  readonly column: number
}

export interface CutOptions {
  /** Text bytes after which a chunk is closed; default 256 kB. A longer record makes a longer chunk. */
  readonly chunkBytes?: number
  /** Text bytes that one record may have; default 64 MB. */
  readonly maxRecordBytes?: number
  /** Ends the reading; the chunks end without an error. */
  readonly signal?: AbortSignal
}

const defaultChunkBytes = 256 * 1024
const defaultMaxRecordBytes = 64 * 1024 * 1024

function cutterFor({ format, delimiter }: TextFormat): Cutter {
  if (format === 'csv') return new CsvCutter(delimiter)
  return format === 'json' ? new JsonCutter() : new LineCutter()
}

/**
 * Cuts an input into chunks, holding one of them in memory. Throws InputError with `name:line:column` where the structure around the
 * records is broken (after the chunk with the records before that place) or a record is too long.
 */
export async function* cutChunks(input: Input, options: CutOptions = {}): AsyncGenerator<Chunk> {
  const cutting = new Cutting(input, options)
  const stop = () => input.close()
  options.signal?.addEventListener('abort', stop, { once: true })
  try {
    if (options.signal?.aborted) return
    for await (const block of input.blocks) {
      cutting.append(block)
      if (cutting.full || input.idle()) yield* cutting.cut(false)
    }
    yield* cutting.cut(true)
  } catch (error) {
    if (!options.signal?.aborted) throw streamError(error, input.name)
  } finally {
    options.signal?.removeEventListener('abort', stop)
    input.close()
  }
}

class Cutting {
  readonly #input: Input
  readonly #cutter: Cutter
  readonly #bounds = new Bounds()
  readonly #chunkBytes: number
  readonly #maxRecordBytes: number
  #bytes: Uint8Array<ArrayBuffer>
  #filled = 0
  /** Bytes of the text that went into chunks. */
  #done = 0
  /** Filled to here the bytes are worth a look. */
  #wanted: number

  constructor(input: Input, options: CutOptions) {
    this.#input = input
    this.#cutter = cutterFor(input.text)
    this.#chunkBytes = options.chunkBytes ?? defaultChunkBytes
    this.#maxRecordBytes = options.maxRecordBytes ?? defaultMaxRecordBytes
    this.#wanted = this.#chunkBytes
    this.#bytes = allocate(this.#chunkBytes)
  }

  get full(): boolean {
    return this.#filled >= this.#wanted
  }

  append(block: Uint8Array): void {
    const size = this.#filled + block.length
    if (size > this.#bytes.length) this.#grow(Math.max(size, this.#bytes.length * 2))
    this.#bytes.set(block, this.#filled)
    this.#filled = size
  }

  *cut(last: boolean): Generator<Chunk> {
    const { column } = this.#cutter
    const text = this.#bytes.subarray(0, this.#filled)
    const done = this.#cutter.cut(text, last, this.#bounds)
    if (done > 0) yield this.#chunk(done, column)
    const { failure } = this.#cutter
    if (failure) {
      throw new InputError(failure.message, {
        where: `${this.#input.name}:${failure.line}:${failure.column}`,
      })
    }
    if (this.#filled > this.#maxRecordBytes) throw this.#tooLong()
    // A record that is longer than a chunk: look again when twice as much is there.
    this.#wanted = Math.max(this.#chunkBytes, this.#filled * 2)
  }

  #chunk(done: number, column: number): Chunk {
    const bytes = this.#bytes.subarray(0, done)
    const start = this.#done
    this.#done += done
    this.#carry(done)
    const { text, name } = this.#input
    return {
      input: name,
      ...text,
      columns: this.#cutter.columns,
      bytes,
      start,
      bounds: this.#bounds.take(),
      column,
    }
  }

  /** Goes on with the bytes that are not done with, in a new buffer: the old one belongs to the chunk. */
  #carry(done: number): void {
    const rest = this.#bytes.subarray(done, this.#filled)
    const bytes = allocate(Math.max(this.#chunkBytes, rest.length) + this.#chunkBytes / 4)
    bytes.set(rest)
    this.#bytes = bytes
    this.#filled = rest.length
  }

  #grow(capacity: number): void {
    const bytes = allocate(capacity)
    bytes.set(this.#bytes.subarray(0, this.#filled))
    this.#bytes = bytes
  }

  #tooLong(): InputError {
    const limit = Math.round(this.#maxRecordBytes / 1024 / 1024)
    return new InputError(`a record is longer than ${limit} MB`, {
      where: `${this.#input.name}:${this.#cutter.openLine}`,
      next: `is this ${this.#input.text.format}? --format says otherwise`,
    })
  }
}

/** Not from Buffer's pool, and not filled with zeros first. */
function allocate(size: number): Uint8Array<ArrayBuffer> {
  const buffer = Buffer.allocUnsafeSlow(Math.ceil(size))
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.length)
}
