import fc from 'fast-check'
import type { PlainJson } from '../../../src/schema/json-text.ts'

/** Random Avro schemas, as the JSON that people write. Every named type gets a name of its own. */

type SchemaJson = PlainJson
type Fields = Readonly<Record<string, PlainJson>>

const decimal = fc
  .record({ precision: fc.integer({ min: 1, max: 38 }), scale: fc.integer({ min: 0, max: 10 }) })
  .map(({ precision, scale }) => ({ precision, scale: Math.min(precision, scale) }))

const scalar: fc.Arbitrary<SchemaJson> = fc.oneof(
  fc.constantFrom<SchemaJson[]>('boolean', 'int', 'long', 'float', 'double', 'string', 'bytes'),
  fc.constantFrom<SchemaJson[]>(
    { type: 'int', logicalType: 'date' },
    { type: 'int', logicalType: 'time-millis' },
    { type: 'long', logicalType: 'time-micros' },
    { type: 'long', logicalType: 'timestamp-millis' },
    { type: 'long', logicalType: 'timestamp-micros' },
    { type: 'long', logicalType: 'timestamp-nanos' },
    { type: 'long', logicalType: 'local-timestamp-millis' },
    { type: 'long', logicalType: 'local-timestamp-micros' },
    { type: 'string', logicalType: 'uuid' },
    { type: 'fixed', name: '', size: 16, logicalType: 'uuid' },
    { type: 'fixed', name: '', size: 12, logicalType: 'duration' },
    { type: 'fixed', name: '', size: 5 },
    { type: 'fixed', name: '', size: 16, logicalType: 'decimal', precision: 30, scale: 4 },
    { type: 'enum', name: '', symbols: ['ON', 'OFF', 'unknown'] },
  ),
  decimal.map((of) => ({ type: 'bytes', logicalType: 'decimal', ...of })),
)

const { schema } = fc.letrec<{
  schema: SchemaJson
  record: SchemaJson
  union: SchemaJson
  plain: SchemaJson
}>((tie) => ({
  plain: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'avro' },
    { weight: 5, arbitrary: scalar },
    { weight: 1, arbitrary: tie('schema').map((items) => ({ type: 'array', items })) },
    { weight: 1, arbitrary: tie('schema').map((values) => ({ type: 'map', values })) },
    { weight: 2, arbitrary: tie('record') },
  ),
  union: fc
    .uniqueArray(fc.oneof(fc.constant<SchemaJson>('null'), tie('plain')), {
      minLength: 1,
      maxLength: 4,
      selector: branchKey,
    })
    .map((branches) => branches),
  record: fc
    .array(fc.tuple(tie('schema'), fc.constantFrom('', '', 'US Gross', '__proto__', 'constructor')), {
      minLength: 1,
      maxLength: 5,
    })
    .map((fields) => ({
      type: 'record',
      name: '',
      fields: fields.map(([type, original], i) => ({
        name: `f${i}`,
        type,
        ...(original === '' ? {} : { originalName: i === 0 ? original : `${original} ${i}` }),
      })),
    })),
  schema: fc.oneof({ weight: 3, arbitrary: tie('plain') }, { weight: 1, arbitrary: tie('union') }),
}))

/** What may stand once in a union; named types always may. */
function branchKey(json: SchemaJson): unknown {
  if (typeof json === 'string') return json
  const { type } = json as Fields
  return type === 'record' || type === 'fixed' || type === 'enum' ? json : type
}

/** Gives the named types names: T1, T2, … */
export function named(json: SchemaJson, counter = { next: 1 }): SchemaJson {
  if (Array.isArray(json)) return json.map((branch: SchemaJson) => named(branch, counter))
  if (typeof json !== 'object' || json === null) return json
  const own: Record<string, PlainJson> = { ...(json as Fields) }
  if (own.name === '') own.name = `com.exam.T${counter.next++}`
  if (own.items !== undefined) own.items = named(own.items, counter)
  if (own.values !== undefined) own.values = named(own.values, counter)
  if (Array.isArray(own.fields)) {
    own.fields = own.fields.map((field: Fields) => ({
      ...field,
      type: named(field.type as SchemaJson, counter),
    }))
  }
  return own
}

export const randomSchema: fc.Arbitrary<SchemaJson> = schema.map((json) => named(json))

export const randomRecord: fc.Arbitrary<SchemaJson> = fc
  .array(schema, { minLength: 1, maxLength: 8 })
  .map((types) =>
    named({
      type: 'record',
      name: 'com.exam.Root',
      fields: types.map((type, i) => ({ name: `c${i}`, type })),
    }),
  )

/** Trees, lists, and two records that hold each other. */
export const recursiveSchemas: readonly SchemaJson[] = [
  {
    type: 'record',
    name: 'Node',
    fields: [
      { name: 'value', type: 'int' },
      { name: 'next', type: ['null', 'Node'] },
      { name: 'children', type: { type: 'array', items: 'Node' } },
    ],
  },
  {
    type: 'record',
    name: 'A',
    fields: [
      {
        name: 'b',
        type: [
          'null',
          { type: 'record', name: 'B', fields: [{ name: 'a', type: { type: 'map', values: 'A' } }] },
        ],
      },
      { name: 'text', type: 'string' },
    ],
  },
]
