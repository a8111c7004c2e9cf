import { isAvroName } from '../avro-names.ts'

/**
 * A legal Avro name near to `original`: accents dropped, every other run of forbidden characters one `_`, a leading
 * digit behind a `_`. "Running Time min" → Running_Time_min, "2nd" → _2nd, "名前" → `fallback`.
 */
export function legalName(original: string, fallback: string): string {
  if (isAvroName(original)) return original
  const plain = original.normalize('NFKD').replace(/\p{M}/gu, '')
  const name = plain.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^_+|_+$/g, '')
  if (name === '') return fallback
  return /^\d/.test(name) ? `_${name}` : name
}

/**
 * Legal names for all `originals`, each different. Names that are legal already stay as they are, so that a
 * renamed neighbour can never take them; the others get `_2`, `_3`, … where they would meet.
 */
export function legalNames(originals: Iterable<string>, fallback: string): Map<string, string> {
  const all = [...originals]
  const taken = new Set(all.filter(isAvroName))
  const names = new Map<string, string>()
  for (const original of all) {
    names.set(original, isAvroName(original) ? original : claimName(legalName(original, fallback), taken))
  }
  return names
}

/** `name`, or `name_2`, `name_3`, … when it is taken; takes it. */
export function claimName(name: string, taken: Set<string>): string {
  let free = name
  for (let n = 2; taken.has(free); n++) free = `${name}_${n}`
  taken.add(free)
  return free
}
