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
  tls,
} from '../sql/error-table.ts'
import type { Verdict } from '../sql/failure.ts'

/**
 * Error number → what it means for a batch. Up to 1999 the two servers agree but where a line says otherwise; from 3000 on MySQL's
 * and from 4000 on also MariaDB's are their own, and no number below means one thing to the one and another to the other but
 * 4025–4040, which MySQL uses for nothing that DML answers with.
 *
 * Names: MySQL https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html (share/messages_to_clients.txt of the
 * server), MariaDB https://mariadb.com/kb/en/mariadb-error-code-reference/ (sql/share/errmsg-utf8.txt). What is in no line is
 * `unexpected`.
 */
export const errorTable: readonly ErrorEntry[] = [
  ...entries(data, [
    ['1118', 'ER_TOO_BIG_ROWSIZE', 'a row longer than a page takes'],
    ['1264', 'ER_WARN_DATA_OUT_OF_RANGE'],
    ['1265', 'WARN_DATA_TRUNCATED', 'also when it comes as a warning only'],
    ['1292', 'ER_TRUNCATED_WRONG_VALUE', 'also when it comes as a warning only'],
    ['1300', 'ER_INVALID_CHARACTER_STRING'],
    ['1366', 'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD'],
    ['1365', 'ER_DIVISION_BY_ZERO', 'a generated column, or a trigger'],
    ['1367', 'ER_ILLEGAL_VALUE_FOR_TYPE'],
    ['1406', 'ER_DATA_TOO_LONG'],
    ['1411', 'ER_WRONG_VALUE_FOR_TYPE'],
    ['1690', 'ER_DATA_OUT_OF_RANGE'],
    ['3140', 'ER_INVALID_JSON_TEXT', 'MySQL'],
    ['3141', 'ER_INVALID_JSON_TEXT_IN_PARAM', 'MySQL'],
    ['3157', 'ER_JSON_DOCUMENT_TOO_DEEP', 'MySQL'],
    ['4035', 'ER_JSON_BAD_CHR', 'MariaDB'],
    ['4036', 'ER_JSON_NOT_JSON_CHR', 'MariaDB'],
    ['4037', 'ER_JSON_EOS', 'MariaDB'],
    ['4038', 'ER_JSON_SYNTAX', 'MariaDB'],
    ['4039', 'ER_JSON_ESCAPING', 'MariaDB'],
    ['4040', 'ER_JSON_DEPTH', 'MariaDB'],
  ]),
  ...entries(constraint, [
    ['1048', 'ER_BAD_NULL_ERROR'],
    ['1062', 'ER_DUP_ENTRY'],
    ['1169', 'ER_DUP_UNIQUE'],
    ['1216', 'ER_NO_REFERENCED_ROW'],
    ['1217', 'ER_ROW_IS_REFERENCED'],
    ['1451', 'ER_ROW_IS_REFERENCED_2', 'a deletion of a row that others point to'],
    ['1452', 'ER_NO_REFERENCED_ROW_2'],
    ['1526', 'ER_NO_PARTITION_FOR_GIVEN_VALUE'],
    ['1586', 'ER_DUP_ENTRY_WITH_KEY_NAME'],
    ['1644', 'ER_SIGNAL_EXCEPTION', 'a trigger says no'],
    ['3819', 'ER_CHECK_CONSTRAINT_VIOLATED', 'MySQL'],
    ['4025', 'ER_CONSTRAINT_FAILED', 'MariaDB: a check, and what is no JSON'],
  ]),
  ...entries(conflict, [
    ['1020', 'ER_CHECKREAD', 'the row has changed since it was read'],
    ['1205', 'ER_LOCK_WAIT_TIMEOUT', 'a row’s or the table’s lock'],
    ['1213', 'ER_LOCK_DEADLOCK', 'also Galera’s certification'],
    ['1412', 'ER_TABLE_DEF_CHANGED', 'an ALTER TABLE came between'],
    ['1637', 'ER_TOO_MANY_CONCURRENT_TRXS'],
    ['3058', 'ER_USER_LOCK_DEADLOCK', 'MySQL'],
    ['3101', 'ER_TRANSACTION_ROLLBACK_DURING_COMMIT', 'MySQL group replication'],
    ['3572', 'ER_LOCK_NOWAIT', 'MySQL'],
  ]),
  ...entries(environment, [
    ['1021', 'ER_DISK_FULL'],
    ['1026', 'ER_ERROR_ON_WRITE'],
    ['1028', 'ER_FILSORT_ABORT'],
    ['1030', 'ER_GET_ERRNO', 'the storage engine failed'],
    ['1034', 'ER_NOT_KEYFILE'],
    ['1036', 'ER_OPEN_AS_READONLY', 'innodb_read_only'],
    ['1037', 'ER_OUTOFMEMORY'],
    ['1038', 'ER_OUT_OF_SORTMEMORY'],
    ['1040', 'ER_CON_COUNT_ERROR', 'too many connections'],
    ['1041', 'ER_OUT_OF_RESOURCES'],
    ['1047', 'ER_UNKNOWN_COM_ERROR', 'a Galera node that is not part of the cluster'],
    ['1114', 'ER_RECORD_FILE_FULL', 'InnoDB cannot make its file longer: disk or tablespace full'],
    ['1135', 'ER_CANT_CREATE_THREAD'],
    ['1153', 'ER_NET_PACKET_TOO_LARGE', 'a proxy with a smaller limit than the server'],
    ['1180', 'ER_ERROR_DURING_COMMIT'],
    ['1194', 'ER_CRASHED_ON_USAGE'],
    ['1197', 'ER_TRANS_CACHE_FULL'],
    ['1203', 'ER_TOO_MANY_USER_CONNECTIONS'],
    ['1206', 'ER_LOCK_TABLE_FULL'],
    ['1223', 'ER_CANT_UPDATE_WITH_READLOCK', 'FLUSH TABLES WITH READ LOCK of a backup'],
    ['1226', 'ER_USER_LIMIT_REACHED'],
    ['1290', 'ER_OPTION_PREVENTS_STATEMENT', 'read_only, super_read_only'],
    ['1317', 'ER_QUERY_INTERRUPTED', 'KILL QUERY'],
    ['1712', 'ER_INDEX_CORRUPT'],
    ['1792', 'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION', 'transaction_read_only'],
    ['1812', 'ER_TABLESPACE_MISSING'],
    ['1836', 'ER_READ_ONLY_MODE'],
    ['1932', 'ER_NO_SUCH_TABLE_IN_ENGINE', 'MariaDB'],
    ['1969', 'ER_STATEMENT_TIMEOUT', 'MariaDB: max_statement_time'],
    ['3024', 'ER_QUERY_TIMEOUT', 'MySQL: max_execution_time'],
    ['3100', 'ER_RUN_HOOK_ERROR', 'MySQL: group replication cannot commit'],
    ['3168', 'ER_SERVER_ISNT_AVAILABLE', 'MySQL'],
  ]),
  ...entries(disconnected, [
    ['1053', 'ER_SERVER_SHUTDOWN'],
    ['1152', 'ER_ABORTING_CONNECTION'],
    ['1158', 'ER_NET_READ_ERROR'],
    ['1159', 'ER_NET_READ_INTERRUPTED'],
    ['1160', 'ER_NET_ERROR_ON_WRITE'],
    ['1161', 'ER_NET_WRITE_INTERRUPTED'],
    ['1184', 'ER_NEW_ABORTING_CONNECTION'],
    ['1927', 'ER_CONNECTION_KILLED', 'MariaDB: KILL, idle_transaction_timeout'],
    ['3169', 'ER_SESSION_WAS_KILLED', 'MySQL'],
    ['4031', 'ER_CLIENT_INTERACTION_TIMEOUT', 'MySQL: wait_timeout'],
  ]),
  ...entries(refused, [
    ['1045', 'ER_ACCESS_DENIED_ERROR'],
    ['1129', 'ER_HOST_IS_BLOCKED'],
    ['1130', 'ER_HOST_NOT_PRIVILEGED'],
    ['1251', 'ER_NOT_SUPPORTED_AUTH_MODE'],
    ['1698', 'ER_ACCESS_DENIED_NO_PASSWORD_ERROR'],
    ['1862', 'ER_MUST_CHANGE_PASSWORD_LOGIN'],
    ['3118', 'ER_ACCOUNT_HAS_BEEN_LOCKED'],
  ]),
  ...entries(tls, [['3159', 'ER_SECURE_TRANSPORT_REQUIRED', 'also MariaDB']]),
  ...entries(missing, [
    ['1049', 'ER_BAD_DB_ERROR'],
    ['1054', 'ER_BAD_FIELD_ERROR'],
    ['1136', 'ER_WRONG_VALUE_COUNT_ON_ROW'],
    ['1146', 'ER_NO_SUCH_TABLE'],
    ['1288', 'ER_NON_UPDATABLE_TABLE', 'the table has become a view'],
    ['1364', 'ER_NO_DEFAULT_FOR_FIELD', 'a NOT NULL column that the plan does not know'],
    ['1471', 'ER_NON_INSERTABLE_TABLE', 'the table has become a view'],
    ['1906', 'ER_WARNING_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN', 'MariaDB'],
    ['3105', 'ER_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN', 'MySQL'],
  ]),
  ...entries(forbidden, [
    ['1044', 'ER_DBACCESS_DENIED_ERROR'],
    ['1142', 'ER_TABLEACCESS_DENIED_ERROR'],
    ['1143', 'ER_COLUMNACCESS_DENIED_ERROR'],
    ['1227', 'ER_SPECIFIC_ACCESS_DENIED_ERROR'],
    ['1370', 'ER_PROCACCESS_DENIED_ERROR'],
  ]),
]

/** ER_SECURE_TRANSPORT_REQUIRED: the server runs with --require-secure-transport. */
export const secureTransportRequired = 3159

const verdicts: ReadonlyMap<string, Verdict> = new Map(errorTable.map(({ code, verdict }) => [code, verdict]))

/** What an error number means for the batch. */
export function verdictOf(errno: number): Verdict {
  return verdicts.get(String(errno)) ?? { kind: 'unexpected' }
}

/**
 * Warnings that come with a statement that succeeded, and that say that a value was changed on its way in: strict mode
 * still lets the server round a decimal or cut trailing blanks with no more than a note.
 */
export const lossWarnings: ReadonlySet<number> = new Set([1264, 1265, 1292, 1300, 1366, 1406])
