import { InputError } from '../../errors.ts'
import type { Json } from '../json-text.ts'
import type { InferOptions } from './options.ts'
import type { AvroJson } from './scalar-choice.ts'
import { ObjectShape, sampleObject } from './shape.ts'
import type { Place } from './sighting.ts'
import { type FieldExplanation, TypeChooser } from './type-choice.ts'

/** One sample record and where it stands. */
export interface Sample {
  readonly value: Json
  readonly place: Place
}

export interface InferredSchema {
  /** The record's name without namespace; the name of its file. */
  readonly name: string
  /** The record's full name. */
  readonly fullName: string
  /** Avro schema: a record. */
  readonly avro: AvroJson
  /** One row a field, in the order of the schema. */
  readonly fields: readonly FieldExplanation[]
  readonly samples: number
}

/**
 * The Avro record schema that every sample fits; one sample is held at a time. The same samples in another order give the same
 * types; fields stand in the order of first sight.
 * @throws InputError when there is no sample, when one is not an object, or when an option's path matches nothing
 */
export async function inferSchema(
  samples: AsyncIterable<Sample> | Iterable<Sample>,
  options: InferOptions,
): Promise<InferredSchema> {
  const root = new ObjectShape()
  for await (const { value, place } of samples) root.see(sampleObject(value, place), place)
  if (root.all.count === 0) {
    throw new InputError('there is no sample to take a schema from', {
      where: options.name,
      next: 'give a JSON object, an array of objects, NDJSON or CSV with a header and at least one row',
    })
  }
  const chooser = new TypeChooser(options)
  const avro = chooser.root(root) as { readonly name: string }
  return {
    name: avro.name,
    fullName: options.namespace ? `${options.namespace}.${avro.name}` : avro.name,
    avro: avro as unknown as AvroJson,
    fields: chooser.explanations,
    samples: root.all.count,
  }
}

/** The schema file's text: indented, one line break at the end. */
export function schemaFileText(avro: AvroJson): string {
  return `${JSON.stringify(avro, null, 2)}\n`
}
