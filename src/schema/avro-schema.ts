/** Avro schemas: the parsed form and its parser. What named types and logical types look like: see `AvroSchema`. */
export { parseSchema } from './avro-parse.ts'
export * from './avro-types.ts'
