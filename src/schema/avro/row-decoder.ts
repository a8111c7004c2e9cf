import { type AvroSchema, typeText } from '../avro-types.ts'
import type { ColumnSpec, SqlValue } from '../table-spec.ts'
import { ByteReader, readWhole, refuseRest } from './byte-reader.ts'
import { DecodeError, Misfit, pathText } from './errors.ts'
import { JsonReaderCompiler } from './json-reader.ts'
import { type Plan, type RecordPlan, resolve } from './resolution.ts'
import { enumReader, type Read, sqlReader } from './scalar-reader.ts'
import { branchOf, enter, type Skip, SkipCompiler } from './skip.ts'

/**
 * Reads the Avro binary in `bytes` from `offset` to the end (5 behind the registry's wire format header). Sets the columns
 * that come from this part of the record, and leaves the others, in `row` or in a new row of nulls; gives the row back.
 * Throws DecodeError with path and reason; `row` may then be half set.
 */
export type RowDecoder = (bytes: Buffer, offset: number, row?: SqlValue[]) => SqlValue[]

export interface RowDecoderOptions {
  /** Schema that the bytes were written with. */
  readonly writer: AvroSchema
  /** Schema that the columns were made from. */
  readonly reader: AvroSchema
  /** All columns of the table; the row has one value for each. */
  readonly columns: readonly ColumnSpec[]
  /** Which part of the Kafka record the bytes are. Default `value`. */
  readonly from?: 'value' | 'key'
}

/**
 * Compiles writer's schema, reader's schema and columns, once, to a function from Avro binary to a row. Values are as
 * table-spec.ts says; `json` columns hold JSON text in the form that `JsonReaderCompiler` describes.
 * A column whose optional parent record is null is null.
 *
 * Bytes are never trusted: every length and count is checked against what is left, nesting is limited to 64 levels, bytes
 * left over are an error.
 *
 * avsc is the oracle of the property tests and no more: its longs beyond 2^53 need a BigInt type of one's own that its fast
 * path does not use, it makes an object for each record and a Date for each timestamp, and it knows no projection.
 *
 * Throws DecodeError at once when the writer's schema cannot be read as the reader's, or a column's path or type does not
 * fit the reader's schema.
 */
export function compileRowDecoder(options: RowDecoderOptions): RowDecoder {
  const { columns, from = 'value' } = options
  const root = new ColumnNode()
  columns.forEach((column, index) => {
    if (column.source.from === from) root.add(column, index, 0)
  })
  const read = explained(() => new RowCompiler().compileRoot(options, root))
  const reader = new ByteReader()
  return (bytes, offset, row = new Array<SqlValue>(columns.length).fill(null)) => {
    reader.reset(bytes, offset, bytes.length)
    try {
      read(reader, row)
      refuseRest(reader)
    } catch (error) {
      if (error instanceof Misfit) throw new DecodeError(pathText(error.path), error.message)
      throw error
    }
    return row
  }
}

/** Avro binary as JSON text; for people, dead letters and tests. Throws DecodeError like `compileRowDecoder`. */
export function compileJsonDecoder(
  writer: AvroSchema,
  reader: AvroSchema,
): (bytes: Buffer, offset: number) => string {
  const read = explained(() => new JsonReaderCompiler().compile(resolve(writer, reader)))
  return (bytes, offset) => explained(() => readWhole(read, bytes, offset))
}

function explained<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof Misfit) throw new DecodeError(pathText(error.path), error.message)
    throw error
  }
}

/** Columns as a tree of field names. */
class ColumnNode {
  readonly columns: { readonly column: ColumnSpec; readonly index: number }[] = []
  readonly children = new Map<string, ColumnNode>()

  add(column: ColumnSpec, index: number, depth: number): void {
    const name = column.source.path[depth]
    if (name === undefined) {
      this.columns.push({ column, index })
      return
    }
    const child = this.children.get(name) ?? new ColumnNode()
    this.children.set(name, child)
    child.add(column, index, depth + 1)
  }

  /** Places in the row of all columns at and below the node. */
  indexes(): number[] {
    const below = [...this.children.values()].flatMap((child) => child.indexes())
    return [...this.columns.map(({ index }) => index), ...below]
  }
}

/** Reads a value and sets its columns. */

type ReadInto = (reader: ByteReader, row: SqlValue[]) => void

class RowCompiler {
  readonly #skips = new SkipCompiler()
  readonly #json = new JsonReaderCompiler(this.#skips)

  compileRoot({ writer, reader }: RowDecoderOptions, root: ColumnNode): ReadInto {
    const plan = resolve(writer, reader)
    return root.indexes().length === 0 ? this.#skips.compile(writer) : this.compile(plan, root, reader)
  }

  /** What reads a value of `schema` (the reader's) by `plan` into the columns at and below `node`. */
  compile(plan: Plan, node: ColumnNode, schema: AvroSchema): ReadInto {
    const reads = node.columns.map(({ column, index }) => into(this.#column(plan, column), index))
    if (node.children.size > 0) reads.push(this.#below(plan, node, schema))
    const [only] = reads
    if (only !== undefined && reads.length === 1) return only
    return (reader, row) => {
      const start = reader.position
      for (const read of reads) {
        reader.position = start
        read(reader, row)
      }
    }
  }

  #column(plan: Plan, column: ColumnSpec): Read<SqlValue> {
    if (plan.kind === 'choice') {
      const branches = plan.branches.map((branch) => this.#column(branch, column))
      return (reader) => branchOf(branches, reader)(reader)
    }
    if (plan.kind === 'scalar' && plan.as.type === 'null') return () => null
    if (plan.kind === 'refused') return refuse(plan.reason)
    if (column.type.kind === 'json') {
      const read = this.#json.compile(plan)
      return (reader) => reader.tookText(read(reader))
    }
    if (plan.kind === 'enum' && (column.type.kind === 'enum' || column.type.kind === 'string'))
      return enumReader(plan)
    const read = plan.kind === 'scalar' ? sqlReader(plan, column.type) : undefined
    if (read !== undefined) return read
    const what = plan.kind === 'scalar' ? typeText(plan.as) : plan.kind
    throw new Misfit(`${what} does not fit column ${column.name} (${column.type.kind})`)
  }

  #below(plan: Plan, node: ColumnNode, schema: AvroSchema): ReadInto {
    if (plan.kind === 'choice') {
      const branches = plan.branches.map((branch) => this.#below(branch, node, schema))
      return (reader, row) => branchOf(branches, reader)(reader, row)
    }
    if (plan.kind === 'scalar' && plan.as.type === 'null') return allNull(node.indexes())
    if (plan.kind === 'refused') return refuse(plan.reason)
    if (plan.kind !== 'record') throw new Misfit(`columns below what is no record (${typeText(schema)})`)
    return this.#record(plan, node)
  }

  #record(plan: RecordPlan, node: ColumnNode): ReadInto {
    const missing = new Set(node.children.keys())
    const steps = plan.steps.map(({ writer, field, plan: inner }) => {
      const child = field === undefined ? undefined : node.children.get(field.name)
      const name = (field ?? writer).originalName
      if (field === undefined || inner === undefined || child === undefined) {
        return { name, read: this.#skips.compile(writer.type) satisfies Skip as ReadInto }
      }
      missing.delete(field.name)
      return { name, read: within(name, () => this.compile(inner, child, field.type)) }
    })
    const constants: [index: number, value: SqlValue][] = []
    for (const { field, bytes, plan: inner } of plan.added) {
      const child = node.children.get(field.name)
      if (child === undefined) continue
      missing.delete(field.name)
      const read = within(field.originalName, () => this.compile(inner, child, field.type))
      const defaults: SqlValue[] = []
      readWhole((reader) => read(reader, defaults), bytes)
      defaults.forEach((value, index) => {
        constants.push([index, value])
      })
    }
    for (const name of missing) throw new Misfit('the schema has no such field').within(name)
    return readRecord(steps, constants)
  }
}

function readRecord(
  steps: readonly { readonly name: string; readonly read: ReadInto }[],
  constants: readonly [index: number, value: SqlValue][],
): ReadInto {
  const reads = steps.map((step) => step.read)
  return (reader, row) => {
    let i = 0
    enter(reader)
    try {
      for (; i < reads.length; i++) (reads[i] as ReadInto)(reader, row)
    } catch (error) {
      throw error instanceof Misfit ? error.within(steps[i]?.name ?? '') : error
    }
    reader.depth--
    for (const [index, value] of constants) row[index] = value
  }
}

function into(read: Read<SqlValue>, index: number): ReadInto {
  return (reader, row) => {
    row[index] = read(reader)
  }
}

function allNull(indexes: readonly number[]): ReadInto {
  return (_reader, row) => {
    for (const index of indexes) row[index] = null
  }
}

function refuse(reason: string): () => never {
  return () => {
    throw new Misfit(reason)
  }
}

function within<T>(step: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof Misfit ? error.within(step) : error
  }
}
