import type { SettingCheck } from '../sql/dialect.ts'
import { sql } from '../sql/statement.ts'

export const settings: readonly SettingCheck[] = [
  {
    check: 'version',
    query: sql`SELECT version() AS version`,
    problem: ({ version }) => {
      const [major = 0, minor = 0, patch = 0] = (version ?? '').split(/[.-]/).map(Number)
      const number = major * 10_000 + minor * 100 + (Number.isNaN(patch) ? 0 : patch)
      const oldest = /mariadb/i.test(version ?? '') ? 100_500 : 80_019
      return number >= oldest
        ? undefined
        : {
            severity: 'error',
            detail: `${version} is too old`,
            fix: 'upgrade to MySQL 8.0.19 or MariaDB 10.5',
          }
    },
  },
  {
    check: 'writable',
    query: sql`SELECT @@global.read_only AS readonly`,
    problem: ({ readonly }) =>
      readonly === '0'
        ? undefined
        : { severity: 'error', detail: 'the server is read-only', fix: 'connect to the primary' },
  },
  {
    check: 'statement size',
    query: sql`SELECT @@max_allowed_packet AS bytes`,
    problem: ({ bytes }) =>
      Number(bytes) >= 4 * 1024 * 1024
        ? undefined
        : {
            severity: 'warning',
            detail: `max_allowed_packet is ${bytes}: larger records are dead-lettered`,
            fix: 'SET GLOBAL max_allowed_packet = 67108864',
          },
  },
  {
    check: 'durability',
    query: sql`SELECT @@global.innodb_flush_log_at_trx_commit AS flush_log`,
    problem: ({ flush_log: flushLog }) =>
      flushLog === '1'
        ? undefined
        : {
            severity: 'warning',
            detail:
              'innodb_flush_log_at_trx_commit is not 1: a crash can take back commits, rows and offsets together',
            fix: 'SET GLOBAL innodb_flush_log_at_trx_commit = 1',
          },
  },
]
