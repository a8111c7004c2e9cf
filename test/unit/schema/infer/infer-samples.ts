import { type InferredSchema, inferSchema, type Sample } from '../../../../src/schema/infer/infer.ts'
import type { InferOptions } from '../../../../src/schema/infer/options.ts'
import { parseJson } from '../../../../src/schema/json-text.ts'

/** Samples from JSON texts, one a line of `s.json`. */
export function samplesOf(texts: readonly string[]): Sample[] {
  return texts.map((text, i) => {
    const place = { where: 's.json', line: i + 1, record: i + 1 }
    return { value: parseJson(text, place), place }
  })
}

export function infer(
  texts: readonly string[],
  options: Partial<InferOptions> = {},
): Promise<InferredSchema> {
  return inferSchema(samplesOf(texts), { name: 'r', ...options })
}

/** The Avro type of field `f` when its values are `values`, each a JSON text. */
export async function typeOfValues(
  values: readonly string[],
  options: Partial<InferOptions> = {},
): Promise<unknown> {
  const { avro } = await infer(
    values.map((value) => `{"f": ${value}}`),
    options,
  )
  return (avro as unknown as { fields: { type: unknown }[] }).fields[0]?.type
}
