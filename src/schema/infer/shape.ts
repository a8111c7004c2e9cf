import { InputError } from '../../errors.ts'
import { type Json, JsonNumber, type JsonObject, jsonText } from '../json-text.ts'
import { NumberShape } from './number-shape.ts'
import { type Place, Tally } from './sighting.ts'
import { StringShape } from './string-shape.ts'

/**
 * More different keys than this make an object a map, whatever they are; it also bounds the memory that a sample can
 * take. (A record becomes columns: InnoDB takes 1017 of them, PostgreSQL 1600.)
 */
export const maxRecordFields = 1000

/**
 * Everything that is known of the values seen at one place of the samples. Only sums, maxima and sets are kept, so that the
 * order of the samples cannot change the type chosen from it; the order of fields is the order of first sight.
 */
export class Shape {
  /** Values, nulls included. */
  seen = 0
  nulls = 0
  readonly booleans = new Tally()
  readonly numbers = new NumberShape()
  readonly strings = new StringShape()
  /** Made when the first object or array is seen. */
  object: ObjectShape | undefined
  array: ArrayShape | undefined

  see(value: Json, place: Place): void {
    this.seen++
    if (value === null) this.nulls++
    else if (typeof value === 'string') this.strings.see(value, place)
    else if (typeof value === 'boolean') this.booleans.see(String(value), place)
    else if (value instanceof JsonNumber) this.numbers.see(value.text, place)
    else if (Array.isArray(value)) {
      this.array ??= new ArrayShape()
      this.array.see(value, place)
    } else {
      this.object ??= new ObjectShape()
      this.object.see(value as JsonObject, place)
    }
  }

  merge(other: Shape): void {
    this.seen += other.seen
    this.nulls += other.nulls
    this.booleans.merge(other.booleans)
    this.numbers.merge(other.numbers)
    this.strings.merge(other.strings)
    if (other.array) {
      this.array ??= new ArrayShape()
      this.array.merge(other.array)
    }
    if (other.object) {
      this.object ??= new ObjectShape()
      this.object.merge(other.object)
    }
  }
}

export class ArrayShape {
  readonly all = new Tally()
  readonly items = new Shape()

  see(array: readonly Json[], place: Place): void {
    this.all.see(`[${array.length} items]`, place)
    for (const item of array) this.items.see(item, place)
  }

  merge(other: ArrayShape): void {
    this.all.merge(other.all)
    this.items.merge(other.items)
  }
}

export class ObjectShape {
  readonly all = new Tally()
  /** By original name; empty once there are more than `maxRecordFields`. */
  readonly fields = new Map<string, Shape>()
  /** What all values together look like, once there are more than `maxRecordFields` keys. */
  manyKeys: Shape | undefined

  see(object: JsonObject, place: Place): void {
    this.all.see('{…}', place)
    for (const [key, value] of object) this.shapeOf(key).see(value, place)
  }

  merge(other: ObjectShape): void {
    this.all.merge(other.all)
    for (const [key, shape] of other.fields) this.shapeOf(key).merge(shape)
    if (other.manyKeys) {
      this.collapse()
      this.manyKeys?.merge(other.manyKeys)
    }
  }

  /** All values taken as those of a map. */
  mapValues(): Shape {
    if (this.manyKeys) return this.manyKeys
    const values = new Shape()
    for (const shape of this.fields.values()) values.merge(shape)
    return values
  }

  private shapeOf(key: string): Shape {
    if (this.manyKeys) return this.manyKeys
    let shape = this.fields.get(key)
    if (!shape) {
      shape = new Shape()
      this.fields.set(key, shape)
      if (this.fields.size > maxRecordFields) {
        this.collapse()
        return this.manyKeys as unknown as Shape
      }
    }
    return shape
  }

  private collapse(): void {
    if (this.manyKeys) return
    this.manyKeys = this.mapValues()
    this.fields.clear()
  }
}

/** The value as a record's JSON object. Throws InputError: a sample must be an object. */
export function sampleObject(value: Json, place: Place): JsonObject {
  if (value instanceof Map) return value as JsonObject
  const text = jsonText(value)
  throw new InputError('a sample must be a JSON object: it becomes a record', {
    where: `${place.where}:${place.line} (record ${place.record})`,
    cause: new Error(`found ${text.length > 60 ? `${text.slice(0, 59)}…` : text}`),
  })
}
