import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { ByteWriter } from '../../../../src/schema/avro/byte-writer.ts'
import { compileJsonEncoder } from '../../../../src/schema/avro/json-encoder.ts'
import { parseJsonExact } from '../../../../src/schema/avro/json-number.ts'
import { compileJsonDecoder } from '../../../../src/schema/avro/row-decoder.ts'
import { type AvroSchema, parseSchema } from '../../../../src/schema/avro-schema.ts'
import { type InferredSchema, schemaFileText } from '../../../../src/schema/infer/infer.ts'
import { infer } from './infer-samples.ts'

const digits = fc.stringMatching(/^[1-9]\d{0,24}$/)
/** JSON texts of values as real data has them. */
const scalar = fc.oneof(
  fc.constant('null'),
  fc.boolean().map(String),
  fc.integer().map(String),
  fc.maxSafeInteger().map(String),
  digits,
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? '0' : String(n))),
  fc.tuple(digits, digits).map(([a, b]) => `${a}.${b}`),
  fc.string().map((text) => JSON.stringify(text.toWellFormed())),
  fc.uuid().map((text) => JSON.stringify(text)),
  fc
    .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    .chain((date) => {
      const iso = date.toISOString()
      return fc.constantFrom(iso, iso.slice(0, 10), iso.slice(0, 19), `${iso.slice(0, 23)}456Z`)
    })
    .map((text) => JSON.stringify(text)),
)
const key = fc.oneof(
  fc.constantFrom('id', 'US Gross', 'US_Gross', '2nd', 'é', 'x-y'),
  fc.string({ maxLength: 4 }),
)
const { value } = fc.letrec<{ value: string; array: string; object: string }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, scalar, tie('array'), tie('object')),
  array: fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join()}]`),
  object: fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }).map(objectText),
}))
/** Few names, so that samples meet in them. */
const sample = fc
  .dictionary(fc.constantFrom('a', 'b b', 'c'), value, { noNullPrototype: true })
  .map(objectText)
const samples = fc.array(sample, { minLength: 1, maxLength: 6 })

function objectText(object: Record<string, string>): string {
  return `{${Object.entries(object).map(([name, text]) => `${JSON.stringify(name)}:${text}`)}}`
}

function parsed(schema: InferredSchema): AvroSchema {
  return parseSchema(schemaFileText(schema.avro), 'inferred')
}

suite('inferred schemas', () => {
  test('every sample fits, and comes back the same', async () => {
    await fc.assert(
      fc.asyncProperty(samples, async (texts) => {
        const schema = parsed(await infer(texts))
        const encode = compileJsonEncoder(schema)
        const decode = compileJsonDecoder(schema, schema)
        for (const text of texts) {
          const out = new ByteWriter()
          encode(parseJsonExact(text), out)
          const back = JSON.parse(decode(out.copy(), 0))
          assertSameMeaning(schema, JSON.parse(text), back, parseJsonExact(text))
        }
      }),
      { numRuns: 200 },
    )
  })

  test('the order of the samples changes nothing but the order of fields', async () => {
    const shuffled = samples.chain((texts) =>
      fc.tuple(fc.constant(texts), fc.shuffledSubarray(texts, { minLength: texts.length })),
    )
    await fc.assert(
      fc.asyncProperty(shuffled, async ([texts, others]) => {
        const types = async (list: readonly string[]) => {
          const { fields } = await infer(list)
          return fields
            .map(({ path, type, nullable, missing }) => `${path} ${type} ${nullable} ${missing}`)
            .sort()
        }
        assert.deepEqual(await types(others), await types(texts))
      }),
      { numRuns: 200 },
    )
  })

  test('the same samples give the same text', async () => {
    await fc.assert(
      fc.asyncProperty(samples, async (texts) => {
        const [one, two] = [await infer(texts), await infer(texts)]
        assert.equal(schemaFileText(one.avro), schemaFileText(two.avro))
      }),
    )
  })
})

/** `back` means what `sent` means under the schema; numbers may have become text or decimals, timestamps UTC. */
function assertSameMeaning(schema: AvroSchema, sent: unknown, back: unknown, exact: unknown): void {
  if (sent === null || sent === undefined) {
    assert.equal(back ?? null, null)
    return
  }
  if (schema.type === 'union') {
    const others = schema.branches.filter(({ type }) => type !== 'null')
    const branch =
      others.length === 1
        ? others[0]
        : (others.find((one) => fits(one, sent)) ?? others.find(({ type }) => type === 'string'))
    assert.ok(branch, `${JSON.stringify(sent)} fits no branch`)
    assertSameMeaning(branch, sent, back, exact)
  } else if (schema.type === 'record') {
    for (const field of schema.fields) {
      const name = field.originalName
      assertSameMeaning(field.type, own(sent, name), own(back, name), own(exact, name))
    }
    assert.deepEqual(
      Object.keys(sent).filter((name) => !schema.fields.some((f) => f.originalName === name)),
      [],
    )
  } else if (schema.type === 'map') {
    assert.deepEqual(Object.keys(back as object).sort(), Object.keys(sent).sort())
    for (const name of Object.keys(sent))
      assertSameMeaning(schema.values, own(sent, name), own(back, name), own(exact, name))
  } else if (schema.type === 'array') {
    const list = sent as unknown[]
    assert.equal((back as unknown[]).length, list.length)
    list.forEach((item, i) => {
      assertSameMeaning(schema.items, item, (back as unknown[])[i], (exact as unknown[])[i])
    })
  } else {
    assertSameScalar(schema, sent, back, exact)
  }
}

function assertSameScalar(schema: AvroSchema, sent: unknown, back: unknown, exact: unknown): void {
  const logical = 'logical' in schema ? schema.logical?.name : undefined
  if (logical?.startsWith('timestamp-')) assert.equal(Date.parse(back as string), Date.parse(sent as string))
  else if (logical?.startsWith('local-')) {
    assert.equal(Date.parse(`${back}Z`), Date.parse(`${sent}Z`))
  } else if (typeof sent === 'number' && schema.type === 'string') {
    assert.equal(Number(back), sent)
    assert.equal(back, String((exact as { text?: string }).text ?? exact))
  } else if (typeof sent === 'boolean' && schema.type === 'string') assert.equal(back, String(sent))
  else assert.equal(back, sent)
}

function fits(schema: AvroSchema, sent: unknown): boolean {
  if (Array.isArray(sent)) return schema.type === 'array'
  if (typeof sent === 'object') return schema.type === 'record' || schema.type === 'map'
  if (typeof sent === 'boolean') return schema.type === 'boolean'
  if (typeof sent === 'string') return schema.type === 'string'
  return ['int', 'long', 'double', 'bytes'].includes(schema.type)
}

function own(object: unknown, name: string): unknown {
  return Object.hasOwn(object as object, name) ? (object as Record<string, unknown>)[name] : undefined
}
