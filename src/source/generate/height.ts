import type { AvroRecord, AvroSchema } from '../../schema/avro-types.ts'

/**
 * The height of a schema: how many records the smallest value that fits it has inside each other; infinite when a record
 * always holds itself. Gives back a function that knows the height of `root` and of every schema within.
 */
export function heightsOf(root: AvroSchema): (schema: AvroSchema) => number {
  const heights = new Map<AvroRecord, number>()
  collectRecords(root, heights)
  const heightOf = (schema: AvroSchema): number => {
    if (schema.type === 'record') return heights.get(schema) ?? Number.POSITIVE_INFINITY
    return schema.type === 'union' ? Math.min(...schema.branches.map(heightOf)) : 0
  }
  // Each round settles at least the records one higher, so as many rounds as records are enough.
  for (let round = 0; round < heights.size; round++) {
    for (const record of heights.keys()) {
      heights.set(record, 1 + Math.max(0, ...record.fields.map((field) => heightOf(field.type))))
    }
  }
  return heightOf
}

function collectRecords(schema: AvroSchema, found: Map<AvroRecord, number>): void {
  switch (schema.type) {
    case 'record':
      if (found.has(schema)) return
      found.set(schema, Number.POSITIVE_INFINITY)
      for (const field of schema.fields) collectRecords(field.type, found)
      return
    case 'array':
      collectRecords(schema.items, found)
      return
    case 'map':
      collectRecords(schema.values, found)
      return
    case 'union':
      for (const branch of schema.branches) collectRecords(branch, found)
  }
}
