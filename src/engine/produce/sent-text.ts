import { createHash } from 'node:crypto'
import { ConfigError } from '../../errors.ts'
import { BOUNDS_PER_RECORD } from '../../source/file/bounds.ts'
import type { Chunk } from '../../source/file/chunks.ts'

/** SHA-256, of which 128 bits are kept. It is asked whether a file was changed, not whether somebody forged it. */
const algorithm = 'sha256'
const digestCharacters = 22

/** A place in an input's text, and the digest of the text from the mark before (or the beginning) up to it. */
export interface TextMark {
  /** Bytes of the text, decompressed and without byte order mark. */
  readonly at: number
  readonly digest: string
}

export function textDigest(bytes: Uint8Array): string {
  return shortened(createHash(algorithm).update(bytes).digest('base64url'))
}

/** Where in `chunk` the first `records` records end, relative to its bytes. */
export function endOfRecords(chunk: Chunk, records: number): number {
  return records === 0 ? 0 : (chunk.bounds[(records - 1) * BOUNDS_PER_RECORD + 1] as number)
}

/** Follows an input's text chunk by chunk, and gives marks of it. */
export class TextTrail {
  readonly #hash = createHash(algorithm)

  /** Marks at the beginning of the chunk, and at the end of its first `records` records. */
  pass(chunk: Chunk, records: number): { start: TextMark; end: TextMark } {
    const end = endOfRecords(chunk, records)
    const start = this.#mark(chunk.start)
    this.#hash.update(chunk.bytes.subarray(0, end))
    const marks = { start, end: this.#mark(chunk.start + end) }
    this.#hash.update(chunk.bytes.subarray(end))
    return marks
  }

  #mark(at: number): TextMark {
    return { at, digest: shortened(this.#hash.copy().digest('base64url')) }
  }
}

/** What of an input was sent by earlier runs: holds the text to the marks that were stored. */
export class SentText {
  readonly #marks: readonly TextMark[]
  readonly #records: number
  /** Marks that were reached. */
  #reached = 0
  #hash = createHash(algorithm)
  #seen = 0

  /** @param marks in the order of the text, each digest from the mark before; empty: nothing was sent */
  constructor(marks: readonly TextMark[], records: number) {
    this.#marks = marks
    this.#records = records
  }

  /** How many records at the front of the chunk were sent. Throws ConfigError when the text is another one than was sent. */
  sentIn(chunk: Chunk): number {
    const end = this.#marks.at(-1)?.at ?? 0
    if (chunk.start >= end) return 0
    this.#follow(chunk)
    let records = 0
    while (records * BOUNDS_PER_RECORD < chunk.bounds.length) {
      const recordEnd = chunk.start + endOfRecords(chunk, records + 1)
      if (recordEnd > end) {
        const recordStart = chunk.start + (chunk.bounds[records * BOUNDS_PER_RECORD] as number)
        if (recordStart < end) throw changed(chunk.input, 'the last record that was sent goes on now')
        break
      }
      records++
    }
    this.#seen += records
    if (chunk.start + chunk.bytes.length >= end && this.#seen !== this.#records)
      throw changed(chunk.input, `${this.#records} records were sent, and these are ${this.#seen}`)
    return records
  }

  /** To be called when the text ends. Throws ConfigError when it is shorter than what was sent. */
  ended(input: string): void {
    const end = this.#marks.at(-1)
    if (end && this.#reached < this.#marks.length)
      throw changed(input, `${end.at} bytes of its text were sent, and it is shorter now`)
  }

  #follow({ bytes, start, input }: Chunk): void {
    let from = start
    for (let mark = this.#marks[this.#reached]; mark; mark = this.#marks[this.#reached]) {
      const to = Math.min(mark.at, start + bytes.length)
      this.#hash.update(bytes.subarray(from - start, to - start))
      from = to
      if (to < mark.at) return
      if (shortened(this.#hash.digest('base64url')) !== mark.digest)
        throw changed(input, `its first ${mark.at} bytes are not what was sent`)
      this.#hash = createHash(algorithm)
      this.#reached++
    }
  }
}

function shortened(digest: string): string {
  return digest.slice(0, digestCharacters)
}

function changed(input: string, why: string): ConfigError {
  return new ConfigError('the input was changed in the part that earlier runs have sent', {
    where: input,
    cause: new Error(why),
    next: 'bring it back as it was; or, for another input under the old name, --resume-id NAME: it is then sent from its beginning',
  })
}
