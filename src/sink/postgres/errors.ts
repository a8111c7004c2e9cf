import {
  conflict,
  constraint,
  data,
  disconnected,
  type ErrorEntry,
  entries,
  environment,
  forbidden,
  missing,
  refused,
} from '../sql/error-table.ts'
import type { Verdict } from '../sql/failure.ts'

/**
 * SQLSTATE → what it means for a batch. Names are the condition names of PostgreSQL's appendix A
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html), which is made from src/backend/utils/errcodes.txt of the
 * server; a code of two characters stands for the rest of its class. What is in no line is `unexpected`.
 */
export const errorTable: readonly ErrorEntry[] = [
  ...entries(data, [
    ['22', 'data_exception', 'out of range, too long, not text of the encoding, bad JSON'],
    ['54000', 'program_limit_exceeded', 'a value too long for its index'],
  ]),
  ...entries(constraint, [
    ['23', 'integrity_constraint_violation', 'unique, foreign key, check, not null, exclusion, no partition'],
    ['44000', 'with_check_option_violation', 'a view’s or a policy’s WITH CHECK'],
    ['P0001', 'raise_exception', 'a trigger says no'],
    ['P0004', 'assert_failure', 'a trigger says no'],
  ]),
  ...entries(conflict, [
    ['40001', 'serialization_failure', 'also a row that was moved to another partition'],
    ['40P01', 'deadlock_detected'],
    ['55P03', 'lock_not_available', 'lock_timeout ran out'],
  ]),
  ...entries(environment, [
    ['25006', 'read_only_sql_transaction', 'a standby, or default_transaction_read_only'],
    ['53', 'insufficient_resources', 'disk full, out of memory, too many connections'],
    ['57014', 'query_canceled', 'statement_timeout, or an administrator'],
    ['58', 'system_error', 'I/O error, a file that is gone'],
    ['XX001', 'data_corrupted'],
    ['XX002', 'index_corrupted'],
  ]),
  ...entries(disconnected, [
    ['08', 'connection_exception'],
    ['25P03', 'idle_in_transaction_session_timeout', 'the process was frozen, or the machine suspended'],
    ['25P04', 'transaction_timeout'],
    ['40003', 'statement_completion_unknown'],
    ['57P01', 'admin_shutdown', 'shutdown, or pg_terminate_backend'],
    ['57P02', 'crash_shutdown', 'another session of the server crashed'],
    ['57P03', 'cannot_connect_now', 'starting up, shutting down, in recovery'],
    ['57P04', 'database_dropped'],
    ['57P05', 'idle_session_timeout'],
  ]),
  ...entries(refused, [
    ['28', 'invalid_authorization_specification', 'wrong password, no such role, no pg_hba.conf entry'],
  ]),
  ...entries(missing, [
    ['3D', 'invalid_catalog_name', 'no such database'],
    ['3F', 'invalid_schema_name', 'no such schema'],
    ['42703', 'undefined_column'],
    ['42704', 'undefined_object', 'a type or a collation that is gone'],
    ['42804', 'datatype_mismatch', 'the column has another type than planned'],
    ['42809', 'wrong_object_type', 'the table has become something else'],
    ['42883', 'undefined_function', 'the key column has another type than planned'],
    ['42P01', 'undefined_table'],
    ['42P10', 'invalid_column_reference', 'no unique index on the key of the upsert'],
    ['428C9', 'generated_always', 'the column has become a generated one'],
    [
      '55000',
      'object_not_in_prerequisite_state',
      'the table has become a view, or is published without replica identity',
    ],
  ]),
  ...entries(forbidden, [['42501', 'insufficient_privilege', 'also a row that a policy does not let in']]),
]

const verdicts: ReadonlyMap<string, Verdict> = new Map(errorTable.map(({ code, verdict }) => [code, verdict]))

/** What an SQLSTATE means for the batch. */
export function verdictOf(sqlState: string): Verdict {
  return verdicts.get(sqlState) ?? verdicts.get(sqlState.slice(0, 2)) ?? { kind: 'unexpected' }
}
