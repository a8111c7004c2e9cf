import type { Logger } from './types.ts'

const silent = (): void => {}

/**
 * kafkajs logs each request and every retried error at level error. What matters of that reaches the user as an
 * EtlError, so its log is silent unless ETL_DEBUG is set; then it goes to stderr, one line an entry.
 */
export function kafkajsLogger(debug = Boolean(process.env.ETL_DEBUG)): Logger {
  const write = (level: string, name: string) =>
    debug
      ? (message: string, extra?: object) => {
          // Bodies of requests and responses can be megabytes and hold credentials; their sizes are enough.
          const { data: _, payload: __, stack: ___, ...rest } = (extra ?? {}) as Record<string, unknown>
          process.stderr.write(
            `kafka ${level} ${name}: ${message} ${JSON.stringify(rest, stringifyBigInt)}\n`,
          )
        }
      : silent
  const named = (name: string): Logger => ({
    namespace: named,
    info: write('info', name),
    error: write('error', name),
    warn: write('warn', name),
    debug: write('debug', name),
  })
  return named('client')
}

function stringifyBigInt(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
