import type { SettingCheck } from '../sql/dialect.ts'
import { sql } from '../sql/statement.ts'

export const settings: readonly SettingCheck[] = [
  {
    check: 'version',
    query: sql`SELECT current_setting('server_version_num') AS number`,
    problem: ({ number }) =>
      Number(number) >= 120_000
        ? undefined
        : {
            severity: 'error',
            detail: `version ${number} is older than 12`,
            fix: 'upgrade PostgreSQL to 12 or newer',
          },
  },
  {
    check: 'writable',
    query: sql`SELECT pg_is_in_recovery() AS standby, current_setting('default_transaction_read_only') AS readonly`,
    problem: ({ standby, readonly }) =>
      standby !== 't' && readonly !== 'on'
        ? undefined
        : {
            severity: 'error',
            detail: 'the server is a standby or read-only',
            fix: 'connect to the primary',
          },
  },
  {
    check: 'encoding',
    query: sql`SELECT current_setting('server_encoding') AS encoding`,
    problem: ({ encoding }) =>
      encoding === 'UTF8'
        ? undefined
        : {
            severity: 'warning',
            detail: `the database's encoding is ${encoding}: text that it does not know is dead-lettered`,
            fix: "CREATE DATABASE … ENCODING 'UTF8'",
          },
  },
  {
    check: 'may create tables',
    query: sql`SELECT current_schema() AS schema, has_schema_privilege(current_schema(), 'CREATE') AS allowed`,
    problem: ({ schema, allowed }) =>
      allowed === 't'
        ? undefined
        : {
            severity: 'warning',
            detail: `the user may not create tables in schema ${schema}`,
            fix: `GRANT CREATE ON SCHEMA ${schema} TO the user, or let another user run etl apply`,
          },
  },
  {
    check: 'durability',
    query: sql`SELECT current_setting('fsync') AS fsync`,
    problem: ({ fsync }) =>
      fsync === 'on'
        ? undefined
        : {
            severity: 'warning',
            detail: 'fsync is off: a crash of the machine can damage rows and offsets',
            fix: 'ALTER SYSTEM SET fsync = on',
          },
  },
]
