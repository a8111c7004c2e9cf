import { InputError } from '../../errors.ts'
import {
  type AvroArray,
  type AvroField,
  type AvroMap,
  type AvroRecord,
  type AvroSchema,
  typeText,
} from '../avro-types.ts'
import type { ByteWriter } from './byte-writer.ts'
import { defaultBytes } from './default-bytes.ts'
import { Misfit, maxDepth, pathText, RecordError, shown } from './errors.ts'
import { type Encode, isJsonObject, scalarEncoder } from './json-scalars.ts'
import { unionEncoder } from './json-union.ts'

export type JsonEncoder = (value: unknown, out: ByteWriter) => void

export interface JsonEncoderOptions {
  /** What a field that the schema does not have does to the record. Default `error`: ignoring it would be a silent loss. */
  readonly unknownFields?: 'error' | 'ignore'
  /**
   * Values are the texts of CSV cells: `true` and `false` are booleans, and the empty text is null where the schema
   * allows null and no string. (Numbers may be text in any case.) Default false.
   */
  readonly cells?: boolean
}

/**
 * Compiles a schema, once, to a function that appends a JSON value in Avro binary to `out`. The value is JSON as people
 * have it, from JSON.parse or `parseJsonExact`:
 *
 * - record: an object, fields by their original names. A missing field takes its default, or null where the schema
 *   allows null. `map`, `array`: object, array.
 * - union: the bare value, or Avro's JSON encoding `{"string": "x"}`; which branch is taken says `unionEncoder`.
 * - int, long, float, double: a number, bigint, JsonNumber or number text. Integers are exact or refused; float and double
 *   take the nearest value, and the texts NaN, Infinity and -Infinity.
 * - decimal: a number, bigint, JsonNumber or number text; digits beyond scale or precision are refused.
 * - string: text; a number or boolean becomes its JSON text. uuid: checked, written in lower case.
 * - bytes, fixed, duration: base64 (RFC 4648 §4, padded), or a Uint8Array. enum: a symbol.
 * - timestamp-*: ISO 8601 with a zone; local-timestamp-*: without; time-*: `HH:MM:SS.ffffff`; date: `YYYY-MM-DD`; each
 *   also as a number in the schema's unit since the epoch or midnight. Digits beyond the unit are refused.
 *
 * avsc is not used here: it wants its own JavaScript values (wrapped unions, Buffers, Date), so each JSON value would have
 * to be converted first, and its long corrupts or refuses integers beyond 2^53. It is the oracle of the property tests.
 *
 * Throws InputError for a schema with too large defaults. The function throws RecordError for a value that does not fit; `out` is then as it was before.
 */
export function compileJsonEncoder(schema: AvroSchema, options: JsonEncoderOptions = {}): JsonEncoder {
  const encode = compiled(() => new JsonEncoderCompiler(options).compile(schema))
  return (value, out) => {
    const { position, depth } = out
    out.misses = 0
    try {
      encode(value, out)
    } catch (error) {
      out.position = position
      out.depth = depth
      if (error instanceof Misfit) throw new RecordError(pathText(error.path), error.message)
      throw error
    }
  }
}

/** A default that is too large is the schema's fault, not a record's. */
function compiled(compile: () => Encode): Encode {
  try {
    return compile()
  } catch (error) {
    throw error instanceof Misfit ? new InputError(`the schema cannot be used: ${error.message}`) : error
  }
}

interface FieldEncoder {
  readonly key: string
  readonly encode: Encode
  /** Written when the field is missing; undefined: it must be there. */
  readonly missing: Buffer | undefined
}

class JsonEncoderCompiler {
  readonly #options: JsonEncoderOptions
  /** Records in work or done: a record may hold itself. */
  readonly #records = new Map<AvroRecord, Encode>()

  constructor(options: JsonEncoderOptions) {
    this.#options = options
  }

  compile(schema: AvroSchema): Encode {
    switch (schema.type) {
      case 'record':
        return this.#records.get(schema) ?? this.#record(schema)
      case 'array':
        return this.#array(schema)
      case 'map':
        return this.#map(schema)
      case 'union':
        return unionEncoder(
          schema.branches.map((branch) => ({ schema: branch, encode: this.compile(branch) })),
          this.#options.cells === true,
        )
      default:
        return scalarEncoder(schema, this.#options.cells === true)
    }
  }

  #record(schema: AvroRecord): Encode {
    const fields: FieldEncoder[] = []
    const ignoreUnknown = this.#options.unknownFields === 'ignore'
    // `{}.constructor` is no missing field: names that every object inherits are looked up as own properties.
    const inherits = schema.fields.some((field) => field.originalName in Object.prototype)
    const encode: Encode = (value, out) => {
      if (!isJsonObject(value)) throw new Misfit(`expected an object, found ${shown(value)}`)
      let found = 0
      let i = 0
      enter(out)
      try {
        for (; i < fields.length; i++) {
          const field = fields[i] as FieldEncoder
          const item = inherits && !Object.hasOwn(value, field.key) ? undefined : value[field.key]
          if (item !== undefined) {
            found++
            field.encode(item, out)
          } else if (field.missing !== undefined) {
            out.bytes(field.missing)
          } else {
            throw new Misfit('the field is missing and has no default')
          }
        }
      } catch (error) {
        throw error instanceof Misfit ? error.within((fields[i] as FieldEncoder).key) : error
      }
      out.depth--
      if (!ignoreUnknown && Object.keys(value).length !== found) refuseUnknown(value, schema)
    }
    this.#records.set(schema, encode)
    for (const field of schema.fields) {
      fields.push({ key: field.originalName, encode: this.compile(field.type), missing: missingBytes(field) })
    }
    return encode
  }

  #array(schema: AvroArray): Encode {
    const encodeItem = this.compile(schema.items)
    return (value, out) => {
      if (!Array.isArray(value)) throw new Misfit(`expected an array, found ${shown(value)}`)
      let i = 0
      enter(out)
      try {
        if (value.length > 0) out.long(value.length)
        for (; i < value.length; i++) encodeItem(value[i], out)
      } catch (error) {
        throw error instanceof Misfit ? error.within(i) : error
      }
      out.depth--
      out.long(0)
    }
  }

  #map(schema: AvroMap): Encode {
    const encodeValue = this.compile(schema.values)
    return (value, out) => {
      if (!isJsonObject(value)) throw new Misfit(`expected an object (map), found ${shown(value)}`)
      const keys = Object.keys(value)
      let i = 0
      enter(out)
      try {
        if (keys.length > 0) out.long(keys.length)
        for (; i < keys.length; i++) {
          const key = keys[i] as string
          out.string(key)
          encodeValue(value[key], out)
        }
      } catch (error) {
        throw error instanceof Misfit ? error.within(keys[i] as string) : error
      }
      out.depth--
      out.long(0)
    }
  }
}

function enter(out: ByteWriter): void {
  if (++out.depth > maxDepth) throw new Misfit(`nested deeper than ${maxDepth} levels`)
}

function missingBytes(field: AvroField): Buffer | undefined {
  const bytes = defaultBytes(field)
  if (bytes !== undefined) return bytes
  if (field.type.type === 'null') return Buffer.alloc(0)
  if (field.type.type !== 'union') return undefined
  const branch = field.type.branches.findIndex((candidate) => candidate.type === 'null')
  return branch < 0 ? undefined : Buffer.of(branch << 1)
}

function refuseUnknown(value: Readonly<Record<string, unknown>>, schema: AvroRecord): void {
  const known = new Set(schema.fields.map((field) => field.originalName))
  for (const key of Object.keys(value)) {
    if (known.has(key)) continue
    throw new Misfit(`the schema has no such field (${typeText(schema)})`).within(key)
  }
}
