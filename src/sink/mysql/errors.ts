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
 * Error number → meaning. Names as in https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html and
 * https://mariadb.com/kb/en/mariadb-error-code-reference/ (1927, 1969, 4025 and 4031 differ between the two).
 */
const verdicts: ReadonlyMap<number, Verdict> = new Map([
  [1264, data], // ER_WARN_DATA_OUT_OF_RANGE
  [1265, data], // WARN_DATA_TRUNCATED
  [1292, data], // ER_TRUNCATED_WRONG_VALUE
  [1300, data], // ER_INVALID_CHARACTER_STRING
  [1366, data], // ER_TRUNCATED_WRONG_VALUE_FOR_FIELD
  [1367, data], // ER_ILLEGAL_VALUE_FOR_TYPE
  [1406, data], // ER_DATA_TOO_LONG
  [1411, data], // ER_WRONG_VALUE_FOR_TYPE
  [1690, data], // ER_DATA_OUT_OF_RANGE
  [3140, data], // ER_INVALID_JSON_TEXT
  [3141, data], // ER_INVALID_JSON_TEXT_IN_PARAM
  [3157, data], // ER_JSON_DOCUMENT_TOO_DEEP
  [4036, data], // MariaDB ER_JSON_DEPTH
  [4038, data], // MariaDB ER_JSON_SYNTAX

  [1048, constraint], // ER_BAD_NULL_ERROR
  [1062, constraint], // ER_DUP_ENTRY
  [1169, constraint], // ER_DUP_UNIQUE
  [1216, constraint], // ER_NO_REFERENCED_ROW
  [1217, constraint], // ER_ROW_IS_REFERENCED
  [1451, constraint], // ER_ROW_IS_REFERENCED_2
  [1452, constraint], // ER_NO_REFERENCED_ROW_2
  [1526, constraint], // ER_NO_PARTITION_FOR_GIVEN_VALUE
  [1586, constraint], // ER_DUP_ENTRY_WITH_KEY_NAME
  [1644, constraint], // ER_SIGNAL_EXCEPTION: a trigger says no
  [3819, constraint], // ER_CHECK_CONSTRAINT_VIOLATED
  [4025, constraint], // MariaDB ER_CONSTRAINT_FAILED

  [1020, conflict], // ER_CHECKREAD: record has changed since last read
  [1205, conflict], // ER_LOCK_WAIT_TIMEOUT
  [1213, conflict], // ER_LOCK_DEADLOCK
  [1637, conflict], // ER_TOO_MANY_CONCURRENT_TRXS
  [3058, conflict], // ER_USER_LOCK_DEADLOCK
  [3572, conflict], // ER_LOCK_NOWAIT

  [1021, environment], // ER_DISK_FULL
  [1026, environment], // ER_ERROR_ON_WRITE
  [1028, environment], // ER_FILSORT_ABORT
  [1030, environment], // ER_GET_ERRNO: the storage engine failed
  [1037, environment], // ER_OUTOFMEMORY
  [1038, environment], // ER_OUT_OF_SORTMEMORY
  [1040, environment], // ER_CON_COUNT_ERROR: too many connections
  [1041, environment], // ER_OUT_OF_RESOURCES
  [1114, environment], // ER_RECORD_FILE_FULL
  [1135, environment], // ER_CANT_CREATE_THREAD
  [1180, environment], // ER_ERROR_DURING_COMMIT
  [1194, environment], // ER_CRASHED_ON_USAGE
  [1197, environment], // ER_TRANS_CACHE_FULL
  [1203, environment], // ER_TOO_MANY_USER_CONNECTIONS
  [1206, environment], // ER_LOCK_TABLE_FULL
  [1226, environment], // ER_USER_LIMIT_REACHED
  [1290, environment], // ER_OPTION_PREVENTS_STATEMENT: --read-only
  [1317, environment], // ER_QUERY_INTERRUPTED
  [1792, environment], // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
  [1836, environment], // ER_READ_ONLY_MODE
  [1969, environment], // MariaDB ER_STATEMENT_TIMEOUT
  [3024, environment], // ER_QUERY_TIMEOUT

  [1053, disconnected], // ER_SERVER_SHUTDOWN
  [1152, disconnected], // ER_ABORTING_CONNECTION
  [1158, disconnected], // ER_NET_READ_ERROR
  [1159, disconnected], // ER_NET_READ_INTERRUPTED
  [1160, disconnected], // ER_NET_ERROR_ON_WRITE
  [1161, disconnected], // ER_NET_WRITE_INTERRUPTED
  [1184, disconnected], // ER_NEW_ABORTING_CONNECTION
  [1927, disconnected], // MariaDB ER_CONNECTION_KILLED
  [4031, disconnected], // MySQL ER_CLIENT_INTERACTION_TIMEOUT

  [1045, refused], // ER_ACCESS_DENIED_ERROR
  [1129, refused], // ER_HOST_IS_BLOCKED
  [1130, refused], // ER_HOST_NOT_PRIVILEGED
  [1251, refused], // ER_NOT_SUPPORTED_AUTH_MODE
  [1698, refused], // ER_ACCESS_DENIED_NO_PASSWORD_ERROR
  [1862, refused], // ER_MUST_CHANGE_PASSWORD_LOGIN
  [3118, refused], // ER_ACCOUNT_HAS_BEEN_LOCKED

  [1049, missing], // ER_BAD_DB_ERROR
  [1054, missing], // ER_BAD_FIELD_ERROR
  [1136, missing], // ER_WRONG_VALUE_COUNT_ON_ROW
  [1146, missing], // ER_NO_SUCH_TABLE
  [1364, missing], // ER_NO_DEFAULT_FOR_FIELD: a NOT NULL column that the plan does not know
  [1906, missing], // MariaDB ER_WARNING_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN
  [3105, missing], // ER_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN

  [1044, forbidden], // ER_DBACCESS_DENIED_ERROR
  [1142, forbidden], // ER_TABLEACCESS_DENIED_ERROR
  [1143, forbidden], // ER_COLUMNACCESS_DENIED_ERROR
  [1227, forbidden], // ER_SPECIFIC_ACCESS_DENIED_ERROR
  [1370, forbidden], // ER_PROCACCESS_DENIED_ERROR
])

/** What an error number means for the batch. */
export function verdictOf(errno: number): Verdict {
  return verdicts.get(errno) ?? { kind: 'unexpected' }
}

/**
 * Warnings that come with a statement that succeeded, and that say that a value was changed on its way in: strict mode
 * still lets the server round a decimal or cut trailing blanks with no more than a note.
 */
export const lossWarnings: ReadonlySet<number> = new Set([1264, 1265, 1292, 1300, 1366, 1406])
