import { InputError } from '../../errors.ts'
import { partitionForKey } from '../../kafka/partitioner.ts'
import { ByteWriter } from '../../schema/avro/byte-writer.ts'
import { RecordError } from '../../schema/avro/errors.ts'
import { compileJsonEncoder, type JsonEncoder } from '../../schema/avro/json-encoder.ts'
import type { AvroRecord } from '../../schema/avro-schema.ts'
import { PackWriter } from './pack.ts'
import { compileKey, type JsonRecord, type KeySpec, type WriteKey } from './record-key.ts'
import { type RecordValues, recordValues } from './record-values.ts'
import { endOfRecords, textDigest } from './sent-text.ts'
import type { BadRecord, Encoded, Work } from './work.ts'

export interface EncodeOptions {
  readonly schema: AvroRecord
  readonly schemaId: number
  readonly partitions: number
  readonly key: KeySpec
  readonly onBad: 'stop' | 'skip'
  readonly unknownFields: 'error' | 'ignore'
  /** Gives the record of an index; for work of kind `generate`. */
  readonly generate?: ((index: number) => unknown) | undefined
}

interface Encoders {
  readonly value: JsonEncoder
  readonly key: WriteKey | undefined
}

/** Turns pieces of input into packs of keys and values in the registry's wire format. One a thread. */
export class PieceEncoder {
  readonly #options: EncodeOptions
  readonly #writer = new ByteWriter()
  readonly #packs: PackWriter[]
  readonly #json: Encoders
  readonly #cells: Encoders

  constructor(options: EncodeOptions) {
    const { schema, key, unknownFields } = options
    this.#options = options
    this.#packs = Array.from({ length: options.partitions }, (_, partition) => new PackWriter(partition))
    const compile = (cells: boolean): Encoders => ({
      value: compileJsonEncoder(schema, { unknownFields, cells }),
      key: compileKey(schema, key, cells),
    })
    this.#json = compile(false)
    this.#cells = compile(true)
  }

  encode(work: Work): Encoded {
    const values = recordValues(work, this.#options)
    const encoders = values.cells ? this.#cells : this.#json
    const bad: BadRecord[] = []
    let good = 0
    let done = 0
    for (; done < work.records; done++) {
      try {
        this.#add(values.value(done) as JsonRecord, encoders, work.firstRecord + done)
        good++
      } catch (error) {
        bad.push(badRecord(values, done, error))
        if (this.#options.onBad === 'stop') {
          done++
          break
        }
      }
    }
    return {
      packs: this.#packs.filter((pack) => pack.records > 0).map((pack) => pack.take()),
      good,
      bad,
      goodText: bad.length > 0 && this.#options.onBad === 'stop' ? goodTextOf(work, good) : undefined,
      inputBytes: values.bytes(done),
      last: values.place(Math.max(done - 1, 0)),
    }
  }

  /** Throws RecordError with nothing added. */
  #add(record: JsonRecord, encoders: Encoders, index: number): void {
    const writer = this.#writer
    writer.reset()
    writer.byte(0)
    writer.uint32be(this.#options.schemaId)
    encoders.value(record, writer)
    const { partitions } = this.#options
    if (!encoders.key) {
      // Without a key the records go round, by their place in the input: the same for any number of threads.
      this.#pack(index % partitions).add(null, writer.view())
      return
    }
    const valueEnd = writer.position
    encoders.key(record, writer)
    const bytes = writer.view()
    const key = bytes.subarray(valueEnd)
    this.#pack(partitionForKey(key, partitions)).add(key, bytes.subarray(0, valueEnd))
  }

  #pack(partition: number): PackWriter {
    return this.#packs[partition] as PackWriter
  }
}

/** In front of a bad record that ends a run; the position after it is stored. */
function goodTextOf(work: Work, good: number): Encoded['goodText'] {
  if (work.kind !== 'chunk' || !work.place) return undefined
  const bytes = endOfRecords(work.chunk, good)
  return { bytes, digest: textDigest(work.chunk.bytes.subarray(0, bytes)) }
}

function badRecord(values: RecordValues, record: number, error: unknown): BadRecord {
  if (!(error instanceof InputError)) throw error
  const field = error instanceof RecordError ? error.path : ''
  const reason = error instanceof RecordError ? error.reason : error.message
  const place = values.place(record)
  const [, line, column] = /:(\d+):(\d+)$/.exec(error.where ?? '') ?? []
  return {
    input: place.input,
    line: line === undefined ? place.line : Number(line),
    column: column === undefined ? values.column(record) : Number(column),
    field,
    reason,
    raw: new Uint8Array(values.raw(record)),
  }
}
