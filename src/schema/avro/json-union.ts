import { type AvroSchema, isNamed, typeText } from '../avro-types.ts'
import { JsonNumber } from '../json-text.ts'
import type { ByteWriter } from './byte-writer.ts'
import { Misfit, RecordError, shown } from './errors.ts'
import { type Encode, isJsonObject } from './json-scalars.ts'

/** A value that fits none of two branches on each of n levels can be tried in 2^n ways. */
const maxMisses = 250_000

export interface UnionBranch {
  readonly schema: AvroSchema
  readonly encode: Encode
}

type JsonObject = Readonly<Record<string, unknown>>

interface Candidate extends UnionBranch {
  readonly index: number
  /** The name that Avro's JSON encoding wraps the branch in. */
  readonly name: string
}

/**
 * Encoder of a union. null takes the null branch. With one other branch, that one is taken. With several, they are tried in
 * this order, ties as declared, and the first that the value fits is taken:
 *
 * - a whole number: int, long, decimal, double, float, then dates and times, string last (as JSON text);
 *   other numbers likewise;
 * - text: enum, then uuid, date, time and timestamp, then string, then bytes and fixed (base64), then numbers;
 * - true and false: boolean, then string;
 * - an object: records, the one with the fewest unknown and then the fewest missing fields first; then map; then records
 *   of which the object has no field;
 * - an array: array.
 *
 * An object with one key that names a branch (`{"string": "x"}`, `{"com.exam.Point": {…}}`) is Avro's JSON encoding of a
 * union, unless a record of the union has a field of that name or the object fits a map of the union.
 */
export function unionEncoder(branches: readonly UnionBranch[], cells: boolean): Encode {
  const candidates = branches.map((branch, index) => ({ ...branch, index, name: branchName(branch.schema) }))
  const nullBranch = candidates.find((branch) => branch.schema.type === 'null')
  const others = candidates.filter((branch) => branch !== nullBranch)
  const emptyIsNull = cells && nullBranch !== undefined && !others.some(({ schema }) => holdsText(schema))
  const encodeOther = others.length === 1 ? encodeOnly(others[0] as Candidate) : encodeBest(others)
  const unwrap = unwrapper(candidates)
  return (value, out) => {
    if (value === null || (emptyIsNull && value === '')) {
      if (nullBranch === undefined) throw new Misfit(`null where the schema says ${namesOf(others)}`)
      out.long(nullBranch.index)
    } else if (!isJsonObject(value) || !unwrap(value, out)) {
      encodeOther(value, out)
    }
  }
}

function holdsText(schema: AvroSchema): boolean {
  return schema.type === 'string' && schema.logical === undefined
}

function encodeOnly(branch: Candidate): Encode {
  const { index, encode } = branch
  return (value, out) => {
    out.long(index)
    encode(value, out)
  }
}

function encodeBest(branches: readonly Candidate[]): Encode {
  return (value, out) => {
    const ranked = branches
      .map((branch) => ({ branch, rank: rankOf(branch.schema, value) }))
      .filter(({ rank }) => rank !== unfit)
      .sort((a, b) => a.rank - b.rank)
    let problem: Misfit | undefined
    for (const { branch } of ranked) {
      const misfit = tryBranch(branch, value, out)
      if (misfit === undefined) return
      problem ??= misfit
    }
    if (problem !== undefined && ranked.length === 1) throw problem
    const reason = problem === undefined ? '' : `; closest: ${problem.message}`
    throw new Misfit(`${shown(value)} is none of ${namesOf(branches)}${reason}`)
  }
}

/** Writes branch and value; gives back why it cannot, with nothing written. */
function tryBranch(branch: Candidate, value: unknown, out: ByteWriter): Misfit | undefined {
  const { position, depth } = out
  try {
    out.long(branch.index)
    branch.encode(value, out)
    return undefined
  } catch (error) {
    if (!(error instanceof Misfit)) throw error
    out.position = position
    out.depth = depth
    if (++out.misses > maxMisses)
      throw new RecordError('', 'it holds unions in unions in too many ways to find the branches that fit')
    return error
  }
}

/** Writes a value wrapped in its branch's name and says true; false, with nothing written, when it is not wrapped. */
function unwrapper(candidates: readonly Candidate[]): (value: JsonObject, out: ByteWriter) => boolean {
  const byName = new Map(candidates.map((branch) => [branch.name, branch]))
  for (const { schema } of candidates) {
    if (schema.type !== 'record') continue
    for (const field of schema.fields) byName.delete(field.originalName)
  }
  const map = candidates.find((branch) => branch.schema.type === 'map')
  return (value, out) => {
    let name: string | undefined
    for (const key in value) {
      if (name !== undefined) return false
      name = key
    }
    const branch = name === undefined ? undefined : byName.get(name)
    if (branch === undefined || name === undefined || !Object.hasOwn(value, name)) return false
    if (map !== undefined && tryBranch(map, value, out) === undefined) return true
    out.long(branch.index)
    branch.encode(value[name], out)
    return true
  }
}

function branchName(schema: AvroSchema): string {
  return isNamed(schema) ? schema.fullName : schema.type
}

function namesOf(branches: readonly Candidate[]): string {
  return branches.map(({ schema }) => typeText(schema)).join(' | ')
}

const unfit = -1
const mapRank = 1_000_000_000
const numberOrder = ['int', 'long', 'decimal', 'double', 'float', 'temporal', 'string']
const textOrder = ['enum', 'uuid', 'temporal', 'string', 'bytes', 'decimal', 'int', 'long', 'double', 'float']

/** How well the branch suits this sort of value: lower is better, `unfit` is not at all. */
function rankOf(schema: AvroSchema, value: unknown): number {
  switch (typeof value) {
    case 'boolean':
      return ['boolean', 'string'].indexOf(sortOf(schema))
    case 'number':
    case 'bigint':
      return numberOrder.indexOf(sortOf(schema))
    case 'string':
      return sortOf(schema) === 'boolean' ? textOrder.length : textOrder.indexOf(sortOf(schema))
    default:
      if (value instanceof JsonNumber) return numberOrder.indexOf(sortOf(schema))
      if (Array.isArray(value)) return schema.type === 'array' ? 0 : unfit
      if (value instanceof Uint8Array) return sortOf(schema) === 'bytes' ? 0 : unfit
      return objectRank(schema, value as object)
  }
}

/** Unknown fields count more than missing ones; a map suits better than a record of which no field is there. */
function objectRank(schema: AvroSchema, value: object): number {
  if (schema.type === 'map') return mapRank
  if (schema.type !== 'record') return unfit
  const known = schema.fields.filter((field) => Object.hasOwn(value, field.originalName)).length
  const missing = schema.fields.length - known
  if (known === 0 && missing > 0) return mapRank + 1
  return Math.min((Object.keys(value).length - known) * 1000 + missing, mapRank - 1)
}

function sortOf(schema: AvroSchema): string {
  if (!('logical' in schema) || schema.logical === undefined)
    return schema.type === 'fixed' ? 'bytes' : schema.type
  const { name } = schema.logical
  if (name === 'decimal' || name === 'uuid') return name
  return name === 'duration' ? 'bytes' : 'temporal'
}
