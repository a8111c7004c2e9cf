import type { ObjectShape, Shape } from './shape.ts'

/** Objects with fewer different keys are records unless their keys are data. */
const manyKeys = 16
const fewKeys = 3

/**
 * Why an object is better taken as a map than as a record; undefined when it is a record. A map has values of one
 * kind, and its keys are data. That is seen by one of:
 * - more than 1000 different keys (a record of that width helps nobody),
 * - 16 or more different keys of which a sample has no more than half on average,
 * - 3 or more keys, none of which could be a name in a program: numbers, dates, ids.
 */
export function mapReason(object: ObjectShape): string | undefined {
  if (object.manyKeys) return 'more than 1000 different keys'
  const shapes = [...object.fields.values()]
  const keys = [...object.fields.keys()]
  if (keys.length < fewKeys || !ofOneKind(shapes)) return undefined
  const filled = shapes.reduce((sum, shape) => sum + shape.seen, 0) / (shapes.length * object.all.count)
  if (keys.length >= manyKeys && filled <= 0.5) {
    const percent = Math.round(filled * 100)
    return `${keys.length} different keys, of which an object has ${percent} % on average, values of one kind`
  }
  if (keys.every(isData))
    return `keys are data: ${keys
      .slice(0, 3)
      .map((key) => JSON.stringify(key))
      .join(', ')}`
  return undefined
}

/** Without a letter at its beginning or with characters of dates, ids and paths: 2024, 12:30, a1b2-c3d4. */
function isData(key: string): boolean {
  return /^[\d+-]/.test(key) || /^[0-9a-f]{8}-[0-9a-f]{4}-/.test(key)
}

function ofOneKind(shapes: readonly Shape[]): boolean {
  const kinds = new Set<string>()
  for (const shape of shapes) {
    if (shape.booleans.count > 0) kinds.add('boolean')
    if (shape.numbers.count > 0) kinds.add('number')
    if (shape.strings.count > 0) kinds.add('string')
    if (shape.array) kinds.add('array')
    if (shape.object) kinds.add(`object ${[...shape.object.fields.keys()].sort().join()}`)
  }
  return kinds.size === 1
}
