import { ConfigError } from '../errors.ts'
import { parseSchema } from '../schema/avro-schema.ts'
import { isInValue, tableSpecFor } from '../schema/columns/table-spec-for.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { referencedTexts } from '../schema/registry-client/references.ts'
import { provenanceColumns, type TableSpec } from '../schema/table-spec.ts'
import type { LaneTarget, Sink, TableInfo } from '../sink/sink.ts'
import type { ReaderSchema, ReaderSchemas } from './consume/job.ts'

export interface TargetRequest {
  readonly topic: string
  readonly table: string
  /** Schema text; undefined: the registry's latest of `<topic>-value`. */
  readonly schema: string | undefined
  /** Default: upsert where the table has a primary key from the data, else insert. */
  readonly mode: 'insert' | 'upsert' | undefined
  readonly flatten: boolean
  readonly ledger: boolean
  readonly onError: 'dlq' | 'stop'
}

export interface Target {
  readonly reader: ReaderSchemas
  readonly target: LaneTarget
}

/**
 * Brings schema and existing table together. Throws ConfigError when one is missing or when a field has no column:
 * what cannot be stored is refused before the first record is read.
 */
export async function resolveTarget(
  registry: SchemaRegistry,
  sink: Sink,
  request: TargetRequest,
): Promise<Target> {
  const { topic, table } = request
  const apply = `etl apply --topic ${topic}`
  const value = request.schema
    ? { text: request.schema, references: [] }
    : await latestOf(registry, `${topic}-value`)
  if (!value) throw new ConfigError(`no schema is registered under ${topic}-value`, { next: apply })
  const info = await sink.describe(table)
  if (!info) throw new ConfigError(`the table ${table} does not exist`, { where: sink.kind, next: apply })
  const primaryKey = dataKey(info)
  const has = (name: string) => info.columns.some((column) => column.name === name)
  const options = {
    schema: parseSchema(value.text, `${topic}-value`, value.references),
    table,
    primaryKey,
    flatten: request.flatten,
    provenance: has(provenanceColumns.partition) && has(provenanceColumns.offset),
  }
  // Key columns that the value does not have come from the record's key.
  const key = isInValue(options) ? undefined : await latestOf(registry, `${topic}-key`)
  const spec = tableSpecFor({
    ...options,
    ...(key ? { keyFrom: parseSchema(key.text, `${topic}-key`, key.references) } : {}),
  })
  checkColumns(spec, info, sink.kind, apply)
  const mode = request.mode ?? (primaryKey.length > 0 ? 'upsert' : 'insert')
  if (mode === 'upsert' && primaryKey.length === 0)
    throw new ConfigError(`upsert mode needs a primary key, and the table ${table} has none from the data`, {
      where: sink.kind,
      next: `${apply} --key COLUMN, or --mode insert`,
    })
  return {
    reader: { value, key },
    target: { table: spec, mode, ledger: request.ledger, onError: request.onError },
  }
}

async function latestOf(registry: SchemaRegistry, subject: string): Promise<ReaderSchema | undefined> {
  const latest = await registry.latest(subject)
  return (
    latest && { text: latest.schema, references: await referencedTexts(registry, latest.references ?? []) }
  )
}

/** The primary key, unless it is made of the provenance columns. */
function dataKey(info: TableInfo): readonly string[] {
  const provenance: string[] = Object.values(provenanceColumns)
  return info.primaryKey.every((name) => provenance.includes(name)) ? [] : info.primaryKey
}

function checkColumns(spec: TableSpec, info: TableInfo, kind: string, apply: string): void {
  const inTable = new Set(info.columns.map((column) => column.name))
  const missing = spec.columns.filter((column) => !inTable.has(column.name))
  if (missing.length > 0)
    throw new ConfigError(
      `the table ${spec.table} lacks ${missing.length === 1 ? 'a column' : 'columns'} that the schema has: ${missing.map((c) => c.name).join(', ')}`,
      { where: kind, next: `${apply.replace('apply', 'plan')} shows the difference, ${apply} makes it` },
    )
  const fromSchema = new Set<string>([
    ...spec.columns.map((column) => column.name),
    ...Object.values(provenanceColumns),
  ])
  const unfilled = info.columns.filter((c) => !fromSchema.has(c.name) && !c.nullable && !c.hasDefault)
  if (unfilled.length > 0)
    throw new ConfigError(
      `the table ${spec.table} has NOT NULL columns without default that no field fills: ${unfilled.map((c) => c.name).join(', ')}`,
      { where: kind, next: 'give them a default, or make them nullable' },
    )
}
