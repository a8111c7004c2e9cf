import { BOUNDS_PER_RECORD } from '../../source/file/bounds.ts'
import { type Chunk, cutChunks } from '../../source/file/chunks.ts'
import { type Input, openInput } from '../../source/file/input.ts'
import type { ResumableInput } from './resumable-input.ts'
import { SentText, TextTrail } from './sent-text.ts'
import type { ChunkWork, Work } from './work.ts'
import { type FileSourceOptions, generatedPieces, type WorkSource } from './work-source.ts'

/**
 * The records of files that no earlier run has sent. Each file is read from its beginning all the same, so that what was sent is compared with
 * what stands there now; of the part that was sent nothing is parsed. Throws ConfigError when it was changed.
 */
export function resumableFileSource(
  options: FileSourceOptions,
  inputs: readonly ResumableInput[],
): WorkSource {
  const { paths, format, signal } = options
  const limit = options.limit ?? Number.POSITIVE_INFINITY
  let index = 0
  let input: Input | undefined

  async function* work(): AsyncGenerator<Work> {
    let records = 0
    let sequence = 0
    for (; index < paths.length && records < limit && !signal.aborted; index++) {
      input = await openInput(paths[index] as string, format)
      const reader = new ResumableReader(inputs[index] as ResumableInput, index)
      reader.opened(input)
      for await (const chunk of cutChunks(input, { signal })) {
        const piece = reader.unsent(chunk, limit - records)
        if (piece.records > 0)
          yield { ...piece, kind: 'chunk', sequence: sequence++, firstRecord: records + piece.sent }
        records += piece.sent + piece.records
        if (records >= limit) break
      }
      if (records < limit && !signal.aborted) reader.ended()
      input = undefined
    }
  }
  const fractionRead = () => {
    const fraction = input ? input.fractionRead() : 0
    return fraction === undefined ? undefined : (index + fraction) / paths.length
  }
  return { work: work(), fractionRead, close: () => input?.close() }
}

/** The made-up records after those that earlier runs have sent. */
export function resumableGenerateSource(
  count: number,
  { earlier }: ResumableInput,
  signal: AbortSignal,
): WorkSource {
  const from = Math.min(earlier?.records ?? 0, count)
  return generatedPieces({ from, to: count }, signal, (before) => ({ input: 0, before, text: undefined }))
}

type Piece = Pick<ChunkWork, 'chunk' | 'records' | 'place'> & {
  /** Records at the front of the chunk that earlier runs have sent; they are not in the piece. */
  readonly sent: number
}

/** One file's way from its text to what is to be sent of it. */
class ResumableReader {
  readonly #input: ResumableInput
  readonly #index: number
  readonly #sent: SentText
  readonly #trail = new TextTrail()
  #records = 0

  constructor(input: ResumableInput, index: number) {
    this.#input = input
    this.#index = index
    this.#sent = new SentText(input.earlier?.text ?? [], input.earlier?.records ?? 0)
  }

  opened({ text }: Input): void {
    this.#input.opened(text)
  }

  /** What of the chunk is to be sent, if at most `room` of its records count. */
  unsent(chunk: Chunk, room: number): Piece {
    const sent = Math.min(this.#sent.sentIn(chunk), room)
    const counted = Math.min(chunk.bounds.length / BOUNDS_PER_RECORD, room)
    const text = this.#trail.pass(chunk, counted)
    const before = this.#records + sent
    this.#records += counted
    return {
      chunk: sent === 0 ? chunk : { ...chunk, bounds: chunk.bounds.slice(sent * BOUNDS_PER_RECORD) },
      sent,
      records: counted - sent,
      place: { input: this.#index, before, text },
    }
  }

  ended(): void {
    this.#sent.ended(this.#input.name)
  }
}
