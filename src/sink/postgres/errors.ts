import type { Verdict } from '../sql/failure.ts'

const data: Verdict = { kind: 'record', errorClass: 'data' }
const constraint: Verdict = { kind: 'record', errorClass: 'constraint' }
const conflict: Verdict = { kind: 'conflict' }
const environment: Verdict = { kind: 'environment' }
const disconnected: Verdict = { kind: 'disconnected' }
const refused: Verdict = { kind: 'refused' }
const missing: Verdict = { kind: 'missing' }
const forbidden: Verdict = { kind: 'forbidden' }

/**
 * SQLSTATE → meaning; a two-character key stands for the class.
 * Names as in https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const verdicts: ReadonlyMap<string, Verdict> = new Map([
  ['08', disconnected], // connection exception
  ['22', data], // data exception: out of range, too long, bad text, bad JSON
  ['23', constraint], // integrity constraint violation
  ['25006', environment], // read_only_sql_transaction: a standby, or failed over
  ['25P03', disconnected], // idle_in_transaction_session_timeout
  ['25P04', disconnected], // transaction_timeout
  ['28', refused], // invalid authorization specification, wrong password
  ['3D', missing], // invalid catalog name: no such database
  ['3F', missing], // invalid schema name
  ['40001', conflict], // serialization_failure
  ['40P01', conflict], // deadlock_detected
  ['40003', disconnected], // statement_completion_unknown
  ['42501', forbidden], // insufficient_privilege
  ['42703', missing], // undefined_column
  ['42704', missing], // undefined_object
  ['42804', missing], // datatype_mismatch: the column has another type than planned
  ['42P01', missing], // undefined_table
  ['42P10', missing], // invalid_column_reference: no unique index for ON CONFLICT
  ['428C9', missing], // generated_always: the column has become a generated one
  ['44000', constraint], // with_check_option_violation
  ['53', environment], // insufficient resources: disk_full, out_of_memory, too_many_connections
  ['54000', data], // program_limit_exceeded: a key too long for its index
  ['55000', environment], // object_not_in_prerequisite_state
  ['55P03', conflict], // lock_not_available: lock_timeout
  ['57014', environment], // query_canceled: statement_timeout or an administrator
  ['57P01', disconnected], // admin_shutdown, pg_terminate_backend
  ['57P02', disconnected], // crash_shutdown
  ['57P03', disconnected], // cannot_connect_now: starting up or shutting down
  ['57P04', disconnected], // database_dropped
  ['57P05', disconnected], // idle_session_timeout
  ['58', environment], // system error: io_error
  ['P0001', constraint], // raise_exception: a trigger says no
  ['P0004', constraint], // assert_failure: a trigger says no
  ['XX001', environment], // data_corrupted
  ['XX002', environment], // index_corrupted
])

/** What an SQLSTATE means for the batch. */
export function verdictOf(sqlState: string): Verdict {
  return verdicts.get(sqlState) ?? verdicts.get(sqlState.slice(0, 2)) ?? { kind: 'unexpected' }
}
