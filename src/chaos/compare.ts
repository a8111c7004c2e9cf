import { audit } from '../audit/audit.ts'
import { openPartitionReader } from '../kafka/open.ts'
import { openRegistry } from '../schema/registry-client/client.ts'
import { verifyOffsets } from '../verify/verify-offsets.ts'
import { orderColumn } from './dataset.ts'
import type { SinkResult } from './report.ts'
import type { Setting } from './setting.ts'

/** Each sink's books and rows against the log: verify-offsets, and then every record against every row. */
export async function compareSinks(
  { places, admin, sinks }: Setting,
  topic: string,
  signal: AbortSignal,
): Promise<SinkResult[]> {
  const { kafka, registry } = places
  const reader = openPartitionReader(kafka)
  const results: SinkResult[] = []
  try {
    for (const { name, group, sink } of sinks) {
      const request = { topic, group, table: topic, sinkName: name, mode: 'insert' as const }
      const offsets = await verifyOffsets({ ...request, wait: 0, signal }, { admin, reader, sink })
      const parts = { kafka, registry: openRegistry(registry), sink }
      results.push({ sink: name, offsets, audit: await audit({ ...request, ...parts, orderColumn }) })
    }
  } finally {
    await reader.close()
  }
  return results
}
