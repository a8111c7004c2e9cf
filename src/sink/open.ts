import type { LetterBox } from './letters.ts'
import { mysql } from './mysql/dialect.ts'
import { postgres } from './postgres/dialect.ts'
import type { Sink, SinkConfig } from './sink.ts'
import { defaultLimits, type SessionLimits } from './sql/session.ts'
import { SqlSink } from './sql/sql-sink.ts'

const dialects = { postgres, mysql } as const

/** Opens a sink; connects when it is first asked something. `close()` it, and release its lanes, to let the process end. */
export function openSink(config: SinkConfig, limits: Partial<SessionLimits> = {}): Sink & LetterBox {
  return new SqlSink(dialects[config.kind], config, { ...defaultLimits, ...limits })
}
