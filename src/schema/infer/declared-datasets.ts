import { InputError } from '../../errors.ts'
import { type Json, type JsonObject, jsonText } from '../json-text.ts'
import { declaredType, declaredTypeNames } from './declared-type.ts'
import type { InferredSchema, Sample } from './infer.ts'
import { legalName, legalNames } from './legal-name.ts'
import type { Place } from './sighting.ts'
import type { FieldExplanation } from './type-choice.ts'

/**
 * The older form of a sample file: `[{"name": "dataset1", "fields": {"field": "type", …}}, …]`. It declares
 * datasets instead of showing records.
 */

/** True for an object with a text `name`, an object `fields` that holds nothing but texts, and nothing else. */
export function isDeclaredDataset(value: Json): boolean {
  if (!(value instanceof Map) || value.size !== 2 || typeof value.get('name') !== 'string') return false
  const fields = value.get('fields')
  return (
    fields instanceof Map && fields.size > 0 && [...fields.values()].every((type) => typeof type === 'string')
  )
}

/** The schema of one declared dataset. Throws InputError for an unknown type, naming those that there are. */
export function declaredSchema({ value, place }: Sample, namespace: string | undefined): InferredSchema {
  if (!isDeclaredDataset(value)) {
    throw new InputError('expected a dataset: {"name": "dataset1", "fields": {"field": "type", …}}', {
      where: `${place.where}:${place.line}`,
      cause: new Error(`found ${jsonText(value).slice(0, 60)}; the first one of the file declares a dataset`),
      next: 'the same command with --as samples takes the objects as records',
    })
  }
  const dataset = value as JsonObject
  const name = legalName(dataset.get('name') as string, 'dataset')
  const rows: FieldExplanation[] = []
  const declared = dataset.get('fields') as ReadonlyMap<string, string>
  const names = legalNames(declared.keys(), 'field')
  const fields = [...declared].map(([original, text]) => {
    const type = declaredType(text) ?? unknownType(name, original, text, place)
    const avroName = names.get(original) as string
    rows.push(explanation(original, avroName, type))
    return {
      name: avroName,
      ...(avroName === original ? {} : { originalName: original }),
      type: type.nullable ? ['null', type.avro] : type.avro,
      ...(type.nullable ? { default: null } : {}),
    }
  })
  const avro = { type: 'record', name, ...(namespace ? { namespace } : {}), fields }
  return { name, fullName: namespace ? `${namespace}.${name}` : name, avro, fields: rows, samples: 0 }
}

function explanation(
  path: string,
  avroName: string,
  type: { text: string; nullable: boolean; why: readonly string[] },
): FieldExplanation {
  const { text, nullable, why } = type
  return { path, avroName, type: text, nullable, samples: 0, nulls: 0, missing: 0, why }
}

function unknownType(dataset: string, field: string, type: string, place: Place): never {
  throw new InputError(`dataset ${dataset}, field "${field}": unknown type "${type}"`, {
    where: `${place.where}:${place.line}`,
    cause: new Error(`known are ${declaredTypeNames.join(', ')}, each with ? behind it when it may be null`),
  })
}
