import { EtlError } from '../../errors.ts'
import type { RecordHeader } from '../../kafka/types.ts'
import { compileJsonDecoder } from '../../schema/avro/row-decoder.ts'
import type { SchemaRegistry } from '../../schema/registry.ts'
import { parseRegistered } from '../../schema/registry-client/references.ts'
import { schemaIdOf, wireHeaderLength } from '../../schema/wire-format.ts'
import type { FiledLetter } from '../../sink/letters.ts'

/** Bytes as people can read them. */
export interface Shown {
  /** avro: JSON text of the writer's schema · text: UTF-8 · hex · null: there is no value. */
  readonly as: 'avro' | 'text' | 'hex' | 'null'
  readonly text: string
  readonly bytes: number
  /** Why it is not shown as what it claims to be. */
  readonly why?: string
}

export interface ShownLetter {
  readonly key: Shown
  readonly value: Shown
  readonly headers: readonly (readonly [name: string, value: Shown])[]
}

/** Key, value and headers of a letter, decoded with the schemas that they name where they can be. */
export async function showLetter(registry: SchemaRegistry, { record }: FiledLetter): Promise<ShownLetter> {
  const [key, value] = await Promise.all([decoded(registry, record.key), decoded(registry, record.value)])
  return { key, value, headers: record.headers.map(([name, bytes]: RecordHeader) => [name, plain(bytes)]) }
}

/** A letter is shown whatever is wrong with it, and with the registry. */
async function decoded(registry: SchemaRegistry, bytes: Buffer | null): Promise<Shown> {
  if (bytes === null || bytes[0] !== 0) return plain(bytes)
  try {
    const id = schemaIdOf(bytes)
    const schema = await parseRegistered(registry, await registry.byId(id), `schema id ${id}`)
    return {
      as: 'avro',
      text: compileJsonDecoder(schema, schema)(bytes, wireHeaderLength),
      bytes: bytes.length,
    }
  } catch (error) {
    if (!(error instanceof EtlError)) throw error
    return { ...plain(bytes), why: error.message }
  }
}

/** Text where the bytes are printable UTF-8. */
function plain(bytes: Buffer | null): Shown {
  if (bytes === null) return { as: 'null', text: 'null', bytes: 0 }
  const text = utf8(bytes)
  return text === undefined
    ? { as: 'hex', text: bytes.toString('hex'), bytes: bytes.length }
    : { as: 'text', text, bytes: bytes.length }
}

function utf8(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) && !/[^\P{C}\n\t]/u.test(text) ? text : undefined
}
