import type { UnreachableError } from '../../errors.ts'
import { BusyError } from '../../sink/errors.ts'
import { DeadLetterTopicError } from '../dlq/topic.ts'
import { Breaker, type BreakerOptions } from './breaker.ts'
import type { ServerHealth, ServerName } from './server-health.ts'

/** The breakers of one member of the group. */
export class Servers {
  readonly database: Breaker
  readonly registry: Breaker
  readonly kafka: Breaker

  constructor(options: Pick<BreakerOptions, 'retryFor'> = {}) {
    this.database = new Breaker('database', { ...options, localTo: waitsFor })
    this.registry = new Breaker('registry', options)
    this.kafka = new Breaker('kafka', options)
  }

  health(): ServerHealth[] {
    return [this.database.health, this.registry.health, this.kafka.health]
  }
}

/** A commit also fails while somebody holds a lock, or while the dead letters' topic does not take a copy. */
function waitsFor(error: UnreachableError): ServerName | undefined {
  if (error instanceof DeadLetterTopicError) return 'kafka'
  return error instanceof BusyError ? 'database' : undefined
}
