import { InputError } from '../../errors.ts'
import { claimName, legalName, legalNames } from './legal-name.ts'
import { mapReason } from './map-choice.ts'
import type { InferOptions } from './options.ts'
import {
  type AvroJson,
  type Choice,
  chooseBase64,
  chooseMixedScalars,
  chooseNumber,
  chooseString,
  chooseUnion,
  plain,
} from './scalar-choice.ts'
import { type ArrayShape, maxRecordFields, type ObjectShape, type Shape } from './shape.ts'

/** Why one place of the samples got its type. */
export interface FieldExplanation {
  /** `a.b`, `list[]` for the items of an array, `map{}` for the values of a map; original names. */
  readonly path: string
  readonly avroName: string | undefined
  readonly type: string
  readonly nullable: boolean
  /** Values seen, nulls included. */
  readonly samples: number
  readonly nulls: number
  /** Objects that do not have the field. */
  readonly missing: number
  readonly why: readonly string[]
}

/** Chooses the types of one dataset, from the record down. */
export class TypeChooser {
  readonly explanations: FieldExplanation[] = []
  private readonly options: InferOptions
  private readonly maps: Set<string>
  private readonly base64: Set<string>
  private readonly unusedPaths: Map<string, string>
  private readonly typeNames = new Set<string>()

  constructor(options: InferOptions) {
    this.options = options
    this.maps = new Set(options.maps)
    this.base64 = new Set(options.base64)
    this.unusedPaths = new Map([
      ...(options.maps ?? []).map((path): [string, string] => [path, '--map']),
      ...(options.base64 ?? []).map((path): [string, string] => [path, '--base64']),
    ])
  }

  /** The dataset's record schema. */
  root(object: ObjectShape): AvroJson {
    if (object.manyKeys) {
      throw new InputError(`the samples have more than ${maxRecordFields} different fields`, {
        where: object.all.first?.place.where,
        next: 'put the ones that are data under one field, which then is a map',
      })
    }
    const { name, namespace } = this.options
    const record = this.record(object, '', claimName(legalName(name, 'record'), this.typeNames))
    for (const [path, flag] of this.unusedPaths) {
      throw new InputError(
        `${flag} ${path}: the samples have no ${flag === '--map' ? 'object' : 'string'} at this path`,
        {
          next: `etl schema gen --explain shows the paths; quote a path that holds spaces`,
        },
      )
    }
    const { type, ...rest } = record
    return namespace ? { type, name: rest.name, namespace, fields: rest.fields } : record
  }

  private record(object: ObjectShape, path: string, name: string) {
    const names = legalNames(object.fields.keys(), 'field')
    const fields = [...object.fields].map(([original, shape]) => {
      const avroName = names.get(original) as string
      const missing = object.all.count - shape.seen
      const at = path === '' ? original : `${path}.${original}`
      const optional = shape.nulls > 0 || missing > 0
      const type = this.explained(shape, at, `${name}_${legalName(original, 'field')}`, missing, avroName)
      return {
        name: avroName,
        ...(avroName === original ? {} : { originalName: original }),
        type: optional ? orNull(type) : type,
        ...(optional ? { default: null } : {}),
      }
    })
    return { type: 'record', name, fields }
  }

  /** The type at `path`, with its row of explanation before those of what it holds. */
  private explained(shape: Shape, path: string, typeName: string, missing = 0, avroName?: string): AvroJson {
    const row = this.explanations.push(undefined as never) - 1
    const { avro, text, why } = this.choose(shape, path, typeName)
    this.explanations[row] = {
      path,
      avroName,
      type: text,
      nullable: shape.nulls > 0 || missing > 0,
      samples: shape.seen,
      nulls: shape.nulls,
      missing,
      why,
    }
    return avro
  }

  private choose(shape: Shape, path: string, typeName: string): Choice {
    const { booleans, numbers, strings, object, array } = shape
    const kinds = [
      { label: 'booleans', tally: booleans },
      { label: 'integers', tally: numbers.integers },
      { label: 'fractions', tally: numbers.fractions },
      { label: 'strings', tally: strings.all },
      ...(array ? [{ label: 'arrays', tally: array.all }] : []),
      ...(object ? [{ label: 'objects', tally: object.all }] : []),
    ].filter(({ tally }) => tally.count > 0)
    if (this.base64.has(path)) {
      this.unusedPaths.delete(path)
      const others = kinds.map(({ tally }) => tally).filter((tally) => tally !== strings.all)
      return chooseBase64(strings, others, path)
    }
    const { decimals = false, plainStrings = false } = this.options
    const different = kinds.filter(({ tally }) => tally !== numbers.integers && tally !== numbers.fractions)
    const mixed = different.length + (numbers.count > 0 ? 1 : 0) > 1
    if (mixed && !object && !array) return chooseMixedScalars(kinds)
    const choices = [
      ...(booleans.count > 0 ? [plain('boolean', [])] : []),
      ...(numbers.count > 0 ? [chooseNumber(numbers, decimals)] : []),
      // In a union a date would stand beside numbers and texts that could be taken for one.
      ...(strings.count > 0 ? [chooseString(strings, plainStrings || mixed)] : []),
      ...(array ? [this.chooseArray(array, path, typeName)] : []),
      ...(object ? [this.chooseObject(object, path, typeName)] : []),
    ]
    if (mixed) return chooseUnion(kinds, choices)
    const why = [shape.seen === 0 ? 'no value was ever seen' : 'no value but null was ever seen']
    return choices[0] ?? plain('string', why)
  }

  private chooseArray(array: ArrayShape, path: string, typeName: string): Choice {
    const items = this.valuesType(array.items, `${path}[]`, typeName)
    const why = array.items.seen === 0 ? ['every array was empty: items are taken as string'] : []
    return { avro: { type: 'array', items }, text: 'array', why }
  }

  private chooseObject(object: ObjectShape, path: string, typeName: string): Choice {
    const reason = this.mapReason(object, path)
    if (reason) {
      const values = this.valuesType(object.mapValues(), `${path}{}`, typeName)
      return { avro: { type: 'map', values }, text: 'map', why: [reason] }
    }
    const name = claimName(typeName, this.typeNames)
    return { avro: this.record(object, path, name), text: 'record', why: [] }
  }

  private mapReason(object: ObjectShape, path: string): string | undefined {
    if (this.maps.has(path)) {
      this.unusedPaths.delete(path)
      return 'a map was asked for'
    }
    if (object.fields.size === 0 && !object.manyKeys)
      return 'every object was empty: values are taken as string'
    if (object.manyKeys || !this.options.noMaps) return mapReason(object)
    return undefined
  }

  private valuesType(shape: Shape, path: string, typeName: string): AvroJson {
    const type = this.explained(shape, path, typeName)
    return shape.nulls > 0 ? orNull(type) : type
  }
}

function orNull(type: AvroJson): AvroJson {
  return ['null', ...(Array.isArray(type) ? type : [type])]
}
