import type { KafkaAdmin } from '../kafka/admin.ts'
import { isInValue, tableSpecFor } from '../schema/columns/table-spec-for.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { parseRegistered } from '../schema/registry-client/references.ts'
import type { TableSpec } from '../schema/table-spec.ts'
import type { Change, Sink } from '../sink/sink.ts'
import type { DatasetWish } from './dataset-wish.ts'
import { planSchema } from './schema-steps.ts'
import type { Step } from './step.ts'
import { planTopic } from './topic-steps.ts'

export interface PlanParts {
  readonly registry: SchemaRegistry
  readonly admin: KafkaAdmin
  readonly sinks: readonly { readonly name: string; readonly sink: Sink }[]
}

/**
 * The difference between a dataset as it should be and registry, topic and tables as they are, in the order in which it must be
 * applied. Empty when nothing is to do. Changes nothing. Throws ConfigError for what cannot or must not be
 * changed (incompatible schema, fewer partitions, a mapping that can lose).
 */
export async function planDataset(wish: DatasetWish, parts: PlanParts): Promise<Step[]> {
  const table = await tableOf(wish, parts.registry)
  const steps = await planSchema(wish, parts.registry)
  steps.push(...(await planTopic(wish.topic, parts.admin)))
  for (const { name, sink } of parts.sinks)
    for (const change of await sink.plan(withKeyLength(table, wish.keyLength, sink.kind)))
      steps.push({
        part: 'sink',
        place: name,
        ...change,
        run: () => sink.apply([change], consentsOf(change)),
      })
  return steps
}

/** Key columns that the value does not have come from the record's key, whose schema must be registered already. */
async function tableOf(wish: DatasetWish, registry: SchemaRegistry): Promise<TableSpec> {
  const { schema, table, primaryKey, flatten } = wish
  const options = {
    schema,
    table,
    primaryKey,
    flatten,
    provenance: wish.provenance ?? primaryKey.length === 0,
  }
  const subject = `${wish.topic.name}-key`
  const key = isInValue(options) ? undefined : await registry.latest(subject)
  return tableSpecFor(key ? { ...options, keyFrom: await parseRegistered(registry, key, subject) } : options)
}

/** MySQL cannot index text of any length; elsewhere a key needs no limit. */
function withKeyLength(table: TableSpec, keyLength: number | undefined, kind: Sink['kind']): TableSpec {
  if (keyLength === undefined || kind !== 'mysql') return table
  const columns = table.columns.map((column) =>
    column.type.kind === 'string' && table.primaryKey.includes(column.name)
      ? { ...column, type: { ...column.type, maxLength: keyLength } }
      : column,
  )
  return { ...table, columns }
}

function consentsOf(change: Change): ReadonlySet<string> {
  return new Set(change.consent === undefined ? [] : [change.consent])
}
