import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { EtlError } from '../../../src/errors.ts'
import type { KafkaAdmin } from '../../../src/kafka/admin.ts'
import type { KafkaConfig } from '../../../src/kafka/config.ts'
import { openAdmin } from '../../../src/kafka/open.ts'

export function newTopic(name: string): string {
  return `${name}_${randomBytes(4).toString('hex')}`
}

export async function withAdmin<T>(config: KafkaConfig, ask: (admin: KafkaAdmin) => Promise<T>): Promise<T> {
  const admin = openAdmin(config)
  try {
    return await ask(admin)
  } finally {
    await admin.close()
  }
}

/** The smallest thing to ask of a cluster. */
export function clusterId(config: KafkaConfig): Promise<string> {
  return withAdmin(config, (admin) => admin.clusterId())
}

export async function createTopic(config: KafkaConfig, name: string): Promise<string> {
  const spec = { name, partitions: 1, replicationFactor: 1, config: new Map<string, string>() }
  await withAdmin(config, (admin) => admin.createTopic(spec))
  return name
}

/** The error that `work` ends with. */
export async function failure(work: Promise<unknown>): Promise<EtlError> {
  const error = await work.then(
    () => assert.fail('it succeeded'),
    (err: unknown) => err,
  )
  assert(error instanceof EtlError, String(error))
  return error
}
