import assert from 'node:assert/strict'
import type { SinkConfig } from '../../src/sink/sink.ts'
import { type DatabaseState, readStackState } from '../../src/stack/state.ts'

/** Addresses of the real servers that integration tests run against. */
export interface Servers {
  readonly kafka: string[]
  readonly registryUrl: string
  readonly postgres: SinkConfig
  readonly mysql: SinkConfig
}

/** The servers of the running stack: `ETL_STACK_STATE`, or `.etl/stack.json` (see readStackState). */
export function servers(): Servers {
  const services = readStackState()?.services
  assert(
    services?.kafka && services.registry && services.postgres && services.mysql,
    'these tests need the local stack: etl stack up',
  )
  return {
    kafka: [...services.kafka.brokers],
    registryUrl: services.registry.url,
    postgres: sinkOf('postgres', services.postgres),
    mysql: sinkOf('mysql', services.mysql),
  }
}

function sinkOf(
  kind: SinkConfig['kind'],
  { host, port, user, password, database }: DatabaseState,
): SinkConfig {
  return { kind, host, port, user, password, database }
}
