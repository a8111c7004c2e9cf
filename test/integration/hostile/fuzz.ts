import type { OutRecord } from '../../../src/kafka/producer.ts'
import { ByteWriter } from '../../../src/schema/avro/byte-writer.ts'
import { compileJsonEncoder } from '../../../src/schema/avro/json-encoder.ts'
import type { AvroSchema } from '../../../src/schema/avro-schema.ts'
import { encodeWireFormat } from '../../../src/schema/wire-format.ts'
import { generateValues } from '../../../src/source/generate/generate.ts'
import { Random } from '../../../src/source/generate/random.ts'

export interface FuzzOptions {
  readonly seed: number
  readonly schema: AvroSchema
  /** Id of `schema`. */
  readonly schemaId: number
  /** Ids that name nothing, or another schema. */
  readonly wrongIds: readonly number[]
}

/** What a fuzzed record is; the share of each is fixed, so that no kind is ever missing. */
const kinds = [
  'valid',
  'flipped',
  'cut',
  'grown',
  'spliced',
  'noise',
  'wrong id',
  'no header',
  'null',
  'huge key',
] as const
type Kind = (typeof kinds)[number]

/** Makes record `index`: the same for the same options, whoever asks in whatever order. */
export function fuzzer(options: FuzzOptions): (index: number) => OutRecord {
  const values = generateValues(options.schema, options.seed)
  const encode = compileJsonEncoder(options.schema)
  const out = new ByteWriter()
  const random = new Random(options.seed + 1)
  const valid = (index: number): Buffer => {
    out.reset()
    encode(values(index), out)
    return encodeWireFormat(options.schemaId, out.copy())
  }
  return (index) => {
    random.start(index)
    const kind = kinds[index % kinds.length] as Kind
    return {
      key: fuzzedKey(kind, index, random),
      value: fuzzedValue(kind, index, random, valid, options),
      headers:
        random.below(4) === 0
          ? [[noise(random, 12).toString('latin1'), random.below(2) ? noise(random, 40) : null]]
          : [],
    }
  }
}

function fuzzedKey(kind: Kind, index: number, random: Random): Buffer | null {
  // Few of them: each is as large as a record may be.
  if (kind === 'huge key' && index % 1000 === kinds.indexOf('huge key'))
    return Buffer.alloc(700_000, index % 256)
  switch (random.below(4)) {
    case 0:
      return null
    case 1:
      return Buffer.from(String(index))
    default:
      return noise(random, 60)
  }
}

function fuzzedValue(
  kind: Kind,
  index: number,
  random: Random,
  valid: (index: number) => Buffer,
  { schemaId, wrongIds }: FuzzOptions,
): Buffer | null {
  switch (kind) {
    case 'valid':
    case 'huge key':
      return valid(index)
    case 'flipped': {
      const bytes = valid(index)
      for (let flips = 1 + random.below(4); flips > 0; flips--) {
        // Behind the header: the ids have a kind of their own.
        const at = 5 + random.below(bytes.length - 5)
        bytes[at] = (bytes[at] as number) ^ (1 + random.below(255))
      }
      return bytes
    }
    case 'cut': {
      const bytes = valid(index)
      return bytes.subarray(0, random.below(bytes.length))
    }
    case 'grown':
      return Buffer.concat([valid(index), noise(random, 40)])
    case 'spliced': {
      const [a, b] = [valid(index), valid(index + 1)]
      const at = 5 + random.below(a.length - 5)
      return Buffer.concat([a.subarray(0, at), b.subarray(5 + random.below(b.length - 5))])
    }
    case 'noise':
      return encodeWireFormat(schemaId, noise(random, 300))
    case 'wrong id':
      return encodeWireFormat(wrongIds[random.below(wrongIds.length)] as number, valid(index).subarray(5))
    case 'no header':
      return noise(random, 50)
    case 'null':
      return null
  }
}

/** Up to `most` bytes, of all values or of few. */
function noise(random: Random, most: number): Buffer {
  const bytes = Buffer.alloc(random.below(most + 1))
  const narrow = random.below(3) === 0
  for (let i = 0; i < bytes.length; i++) bytes[i] = narrow ? random.below(4) : random.below(256)
  return bytes
}
