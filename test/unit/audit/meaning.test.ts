import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AvscTypes } from '../../../src/audit/avsc-type.ts'
import { MeaningCompiler } from '../../../src/audit/meaning.ts'
import { ByteWriter } from '../../../src/schema/avro/byte-writer.ts'
import { compileJsonEncoder } from '../../../src/schema/avro/json-encoder.ts'
import { compileRowDecoder } from '../../../src/schema/avro/row-decoder.ts'
import { parseSchema } from '../../../src/schema/avro-schema.ts'
import { columnsFor } from '../../../src/schema/columns/columns.ts'
import type { PlainJson } from '../../../src/schema/json-text.ts'
import type { ColumnType, SqlValue } from '../../../src/schema/table-spec.ts'
import { encodeValue } from '../../../src/sink/postgres/values.ts'
import { storedText } from '../../../src/sink/sql/stored-text.ts'
import { generateValues } from '../../../src/source/generate/generate.ts'
import { randomRecord, recursiveSchemas } from '../schema/avro-random.ts'

/** What PostgreSQL shows of a value that the consumer stored. */
function asStored(type: ColumnType, value: SqlValue): string | null {
  if (value === null) return null
  const text = storedText(type)
  switch (type.kind) {
    case 'boolean':
      return text(value ? 't' : 'f')
    case 'bytes':
      return text((value as Buffer).toString('hex'))
    case 'date':
    case 'time':
    case 'timestamp':
      return text(encodeValue(type, value).replaceAll('"', '').replace('+00', ''))
    case 'float32':
    case 'float64':
      return text(Object.is(value, -0) ? '-0' : String(value))
    default:
      return text(String(value))
  }
}

/** The generator makes plain objects, in which a field of that name would set the prototype. */
const schemas = randomRecord.filter((json) => !JSON.stringify(json).includes('__proto__'))

/** The consumer's row and the audit's, of the same bytes. */
function checkSchemas(writerJson: PlainJson, readerJson: PlainJson, flatten: boolean, seed: number): void {
  const writer = parseSchema(JSON.stringify(writerJson), 'writer')
  const reader = parseSchema(JSON.stringify(readerJson), 'reader')
  const columns = columnsFor(reader, { flatten })
  const decode = compileRowDecoder({ writer, reader, columns })
  const types = new AvscTypes()
  const compiler = new MeaningCompiler(types)
  const meanings = columns.map(({ source, type }) => compiler.column(writer, reader, source.path, type))
  const avsc = types.typeOf(writer)
  const encode = compileJsonEncoder(writer)
  const generate = generateValues(writer, seed)
  const out = new ByteWriter()
  for (let i = 0; i < 10; i++) {
    out.reset()
    encode(generate(i), out)
    const bytes = out.copy()
    const raw = avsc.fromBuffer(bytes)
    const row = decode(bytes, 0)
    assert.deepEqual(
      meanings.map((meaning) => meaning(raw)),
      columns.map(({ type }, column) => asStored(type, row[column] ?? null)),
    )
  }
}

test('the audit expects what the consumer stores, on every schema', () => {
  const property = fc.property(schemas, fc.boolean(), fc.maxSafeInteger(), (json, flatten, seed) =>
    checkSchemas(json, json, flatten, seed),
  )
  fc.assert(property, { numRuns: 150 })
})

test('the same for schemas that hold themselves', () => {
  for (const json of recursiveSchemas)
    for (let seed = 0; seed < 20; seed++) checkSchemas(json, json, seed % 2 === 0, seed)
})

type Field = { readonly name: string; readonly type: PlainJson; readonly default?: PlainJson }

/** Ways in which a field may change between two versions; undefined: it goes. */
const changes: readonly ((field: Field) => Field | undefined)[] = [
  (field) => field,
  () => undefined,
  (field) => ({ ...field, type: promoted(field.type) }),
  (field) => (Array.isArray(field.type) ? field : { ...field, type: ['null', field.type] }),
]
const added: readonly Field[] = [
  { name: 'n1', type: ['long', 'null', 'string'], default: 5 },
  {
    name: 'n2',
    type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 },
    default: '\u0001\u00ff',
  },
  { name: 'n3', type: { type: 'array', items: 'float' }, default: [1, -0.5] },
  { name: 'n4', type: { type: 'map', values: ['null', 'bytes'] }, default: { a: null } },
  {
    name: 'n5',
    type: {
      type: 'record',
      name: 'Extra',
      fields: [
        { name: 'e', type: { type: 'enum', name: 'E', symbols: ['P', 'Q'] } },
        { name: 'd', type: { type: 'int', logicalType: 'date' }, default: -800_000 },
      ],
    },
    default: { e: 'Q' },
  },
  { name: 'n6', type: { type: 'long', logicalType: 'timestamp-millis' }, default: -1 },
]

function promoted(type: PlainJson): PlainJson {
  const plain: Record<string, PlainJson> = { int: 'long', long: 'double', float: 'double' }
  if (typeof type === 'string') return plain[type] ?? type
  const logical = (type as { logicalType?: string }).logicalType ?? ''
  if (/timestamp-millis|time-millis/.test(logical))
    return { type: 'long', logicalType: logical.replace('millis', 'micros') }
  return type
}

test('the same where the record was written with another version of the schema', () => {
  const property = fc.property(
    schemas,
    fc.array(fc.constantFrom(...changes), { minLength: 8, maxLength: 8 }),
    fc.subarray([...added]),
    fc.boolean(),
    fc.maxSafeInteger(),
    (json, how, more, flatten, seed) => {
      const record = json as unknown as { readonly fields: readonly Field[] }
      const kept = record.fields.map((field, i) => how[i]?.(field)).filter((field) => field !== undefined)
      const fields = [...more, ...kept]
      fc.pre(fields.length > 0)
      checkSchemas(json, { ...(json as object), fields } as unknown as PlainJson, flatten, seed)
    },
  )
  fc.assert(property, { numRuns: 150 })
})
