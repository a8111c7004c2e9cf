import { shortNameOf } from '../avro-names.ts'
import {
  type AvroEnum,
  type AvroFixed,
  type AvroNamed,
  type AvroRecord,
  type AvroSchema,
  type AvroUnion,
  isNamed,
  typeText,
} from '../avro-schema.ts'
import type { Incompatibility, Pair } from './incompatibility.ts'
import { logicalMismatch } from './logical-check.ts'

/** Types that a reader may have for what a writer wrote (specification, "Schema Resolution"). */
const promotions: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
}

/** Everything that keeps data written with `writer` from being read with `reader`; empty: all of it can be read. */
export function readerProblems(reader: AvroSchema, writer: AvroSchema): Incompatibility[] {
  const path = isNamed(reader) ? reader.name : reader.type
  return new ReaderCheck().problems({ reader, writer, path })
}

class ReaderCheck {
  /** Pairs of records being compared or compared already; a recursive schema comes back to them. */
  private readonly seen = new Map<AvroSchema, Set<AvroSchema>>()

  problems(pair: Pair): Incompatibility[] {
    const { reader, writer, path } = pair
    if (writer.type === 'union') return this.writerUnion(reader, writer, path)
    if (reader.type === 'union') return this.readerUnion(reader, writer, path)
    if (reader.type !== writer.type) {
      return promotions[writer.type]?.includes(reader.type) ? logicalMismatch(pair) : [typeMismatch(pair)]
    }
    return this.sameType(pair)
  }

  private sameType(pair: Pair): Incompatibility[] {
    const { reader, writer, path } = pair
    if (reader.type === 'array' && writer.type === 'array') {
      return this.problems({ reader: reader.items, writer: writer.items, path: `${path}[]` })
    }
    if (reader.type === 'map' && writer.type === 'map') {
      return this.problems({ reader: reader.values, writer: writer.values, path: `${path}{}` })
    }
    if (isNamed(reader) && isNamed(writer)) {
      if (!sameName(reader, writer)) return [nameMismatch(reader, writer, path)]
      if (reader.type === 'fixed') return fixedProblems(reader, writer as AvroFixed, pair)
      if (reader.type === 'enum') return enumProblems(reader, writer as AvroEnum, path)
      return this.record(reader, writer as AvroRecord, path)
    }
    return logicalMismatch(pair)
  }

  private record(reader: AvroRecord, writer: AvroRecord, path: string): Incompatibility[] {
    const compared = this.seen.get(reader) ?? new Set()
    if (compared.has(writer)) return []
    this.seen.set(reader, compared.add(writer))
    return reader.fields.flatMap((field) => {
      const at = `${path}.${field.originalName}`
      const written =
        writer.fields.find(({ name }) => name === field.name) ??
        writer.fields.find(({ name }) => field.aliases.includes(name))
      if (written) return this.problems({ reader: field.type, writer: written.type, path: at })
      if (field.default !== undefined) return []
      return [
        {
          rule: 'READER_FIELD_MISSING_DEFAULT_VALUE',
          path: at,
          message: `the reader expects field "${field.originalName}", which the writer does not have, and it has no default`,
        } as const,
      ]
    })
  }

  /** Each type that may have been written must be readable. */
  private writerUnion(reader: AvroSchema, writer: AvroUnion, path: string): Incompatibility[] {
    return writer.branches.flatMap((branch) => this.problems({ reader, writer: branch, path }))
  }

  /** One of the reader's types must take what was written. */
  private readerUnion(reader: AvroUnion, writer: AvroSchema, path: string): Incompatibility[] {
    const same = reader.branches.find((branch) => isCounterpart(branch, writer))
    // The counterpart's own problems say more than "no branch fits".
    if (same) return this.problems({ reader: same, writer, path })
    const fits = reader.branches.some(
      (branch) => this.problems({ reader: branch, writer, path }).length === 0,
    )
    if (fits) return []
    return [
      {
        rule: 'MISSING_UNION_BRANCH',
        path,
        message: `${typeText(writer)} was written, and the reader's ${typeText(reader)} has no place for it`,
      },
    ]
  }
}

/** Branches that resolution pairs: the same named type, or the same unnamed one. */
function isCounterpart(branch: AvroSchema, writer: AvroSchema): boolean {
  if (branch.type !== writer.type) return false
  return isNamed(branch) && isNamed(writer) ? sameName(branch, writer) : true
}

/** Names without namespace, or an alias of the reader (full or without namespace). */
function sameName(reader: AvroNamed, writer: AvroNamed): boolean {
  if (reader.name === writer.name) return true
  return reader.aliases.some((alias) => alias === writer.fullName || shortNameOf(alias) === writer.fullName)
}

function fixedProblems(reader: AvroFixed, writer: AvroFixed, pair: Pair): Incompatibility[] {
  if (reader.size === writer.size) return logicalMismatch(pair)
  const message = `${writer.fullName} was written with ${writer.size} bytes, the reader expects ${reader.size}`
  return [{ rule: 'FIXED_SIZE_MISMATCH', path: pair.path, message }]
}

function enumProblems(reader: AvroEnum, writer: AvroEnum, path: string): Incompatibility[] {
  const missing = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol))
  if (missing.length === 0 || reader.default !== undefined) return []
  const message = `the reader's enum does not know ${missing.join(', ')}, and has no default for unknown symbols`
  return [{ rule: 'MISSING_ENUM_SYMBOLS', path, message }]
}

function nameMismatch(reader: AvroNamed, writer: AvroNamed, path: string): Incompatibility {
  const message = `${writer.fullName} was written, the reader expects ${reader.fullName} and has no alias for it`
  return { rule: 'NAME_MISMATCH', path, message }
}

function typeMismatch({ reader, writer, path }: Pair): Incompatibility {
  const message = `${typeText(writer)} was written and cannot be read as ${typeText(reader)}`
  return { rule: 'TYPE_MISMATCH', path, message }
}
