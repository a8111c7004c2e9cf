import { InputError } from '../../errors.ts'
import { declaredSchema, isDeclaredDataset } from './declared-datasets.ts'
import { type InferredSchema, inferSchema, type Sample } from './infer.ts'
import type { InferOptions } from './options.ts'

/** `auto`: datasets when the first object declares one, else samples. */
export const sampleForms = ['auto', 'samples', 'datasets'] as const
export type SampleForm = (typeof sampleForms)[number]

/**
 * The schemas that one input holds: one inferred from its records, or one a dataset where it is of the older form
 * that declares them. Throws InputError as `inferSchema` and `declaredSchema` do.
 */
export async function generateSchemas(
  samples: AsyncIterable<Sample>,
  options: InferOptions,
  form: SampleForm = 'auto',
): Promise<InferredSchema[]> {
  const iterator = samples[Symbol.asyncIterator]()
  const first = await iterator.next()
  const rest = withFirst(first, iterator)
  const declared =
    form === 'datasets' || (form === 'auto' && !first.done && isDeclaredDataset(first.value.value))
  if (!declared) return [await inferSchema(rest, options)]
  const schemas = new Map<string, InferredSchema>()
  for await (const sample of rest) {
    const schema = declaredSchema(sample, options.namespace)
    if (schemas.has(schema.name)) {
      throw new InputError(`dataset ${schema.name} is declared twice`, {
        where: `${sample.place.where}:${sample.place.line}`,
      })
    }
    schemas.set(schema.name, schema)
  }
  return [...schemas.values()]
}

async function* withFirst(
  first: IteratorResult<Sample>,
  iterator: AsyncIterator<Sample>,
): AsyncGenerator<Sample> {
  try {
    let next = first
    while (!next.done) {
      yield next.value
      next = await iterator.next()
    }
  } finally {
    await iterator.return?.()
  }
}
