import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { root } from '../../../bin/sources.ts'
import { errorTable as mysql } from '../../../src/sink/mysql/errors.ts'
import { errorTable as postgres } from '../../../src/sink/postgres/errors.ts'
import type { ErrorEntry } from '../../../src/sink/sql/error-table.ts'
import type { FailureKind } from '../../../src/sink/sql/failure.ts'
import { defaultLimits } from '../../../src/sink/sql/session.ts'

const seconds = (ms: number): string => `${ms / 1000} s`
const { lock, idleInTransaction, statement, recovery } = defaultLimits

/** What etl does with each class; the order of the page. */
const classes: Readonly<Record<FailureKind, readonly [what: string, does: string]>> = {
  record: [
    'the record does not fit the table',
    'found by halving the batch; a dead letter of class `data` or `constraint` (`--on-error stop`: the lane ends, exit code 2). The rest of the batch is stored',
  ],
  conflict: [
    'other transactions are in the way',
    'the same transaction again, five times in all; then it counts as an environment error of this lane alone',
  ],
  environment: [
    'the server cannot do it now',
    'nothing is written and nothing dead-lettered; the lane waits and sends the same batch again until it goes in',
  ],
  disconnected: [
    'the connection is gone',
    'the same, on a new connection. If COMMIT was on its way, the stored offset says whether it was made',
  ],
  refused: ['the server does not let this user in', 'as an environment error; at the start exit code 5'],
  tls: [
    'the server’s certificate, or ours, is not accepted',
    'not retried: what is wrong with it, and the setting that puts it right',
  ],
  missing: [
    'the table is not what the plan made',
    'the lane ends with exit code 78 and `etl plan`; nothing is written and nothing dead-lettered',
  ],
  forbidden: ['the user lacks a privilege', 'the lane ends with exit code 78; nothing is written'],
  unexpected: ['anything else', 'the lane ends with exit code 1; nothing is written'],
}

/** docs/sink-errors.md, from the tables that the code goes by and the tests that provoke their codes. */
export function errorsPage(): string {
  return `${[
    '# Database errors, and what etl does',
    'Made from the code’s own tables: `node --test --test-update-snapshots test/unit/sink/errors-page.test.ts`.',
    'What went wrong decides what becomes of a batch. Only the first class is about records; nothing else ever makes a dead letter.',
    table(
      ['class', 'what it means', 'what etl does'],
      Object.entries(classes).map(([kind, texts]) => [kind, ...texts]),
    ),
    '## Limits',
    [
      `- A lock is waited for ${seconds(lock)} (PostgreSQL \`lock_timeout\`, MySQL \`innodb_lock_wait_timeout\` and \`lock_wait_timeout\`), five times; a stop ends a claim’s wait at once.`,
      `- A process that is frozen between two statements of a batch loses its session, and its locks, after ${seconds(idleInTransaction)} (\`idle_in_transaction_session_timeout\`, MariaDB \`idle_transaction_timeout\`, MySQL \`wait_timeout\`). The next owner’s claim waits for it only if it froze between the fence and COMMIT.`,
      `- A statement without an answer counts as a lost connection after ${seconds(statement)}.`,
      `- After a lost COMMIT the stored offset is asked for during ${seconds(recovery)}; then the lane waits, and asks again before it writes anything.`,
      '- A bad row costs at most 2 log₂ n halves of its batch of n rows, four statements each.',
    ].join('\n'),
    '## A table that was changed meanwhile',
    'A row is checked against the planned columns before it is sent. When the database still finds a value too long, out of range or null, the table is compared with the plan: if it differs, the class is `missing`, not `record`. A change that the server itself never reports (MySQL: BIGINT into DOUBLE, DATETIME(6) into DATETIME, the primary key dropped while upserts run) is seen by `etl plan` only.',
    '## A second unique index',
    'An upsert goes by the key of the plan. A record that has the value of *another* row in a second unique index is refused, class `constraint`. MySQL’s `ON DUPLICATE KEY UPDATE` would change that other row: a guard in the statement turns this into error 1365. Rows of a batch are written in the order of their keys, so that two keys that exchange a unique value within one batch can be refused too.',
    '## PostgreSQL',
    'SQLSTATEs; two characters stand for the rest of a class. Names: [appendix A](https://www.postgresql.org/docs/current/errcodes-appendix.html), made from `src/backend/utils/errcodes.txt`. The last column names the tests that provoke the code on a real server.',
    errorsOf(postgres),
    '## MySQL and MariaDB',
    'Error numbers. Names: [MySQL](https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html) (`share/messages_to_clients.txt`), [MariaDB](https://mariadb.com/kb/en/mariadb-error-code-reference/) (`sql/share/errmsg-utf8.txt`).',
    errorsOf(mysql),
  ].join('\n\n')}\n`
}

function errorsOf(entries: readonly ErrorEntry[]): string {
  const rows = entries.map(({ code, name, meaning, verdict }) => [
    code,
    `\`${name}\``,
    verdict.errorClass === undefined ? verdict.kind : `record: ${verdict.errorClass}`,
    meaning,
    provokedBy(code).join(', '),
  ])
  return table(['code', 'name', 'class', 'when', 'provoked by'], rows)
}

const tests: readonly (readonly [name: string, text: string])[] = globSync('test/integration/sink/**/*.ts', {
  cwd: root,
})
  .sort()
  .map((file) => [basename(file, '.ts').replace('.test', ''), readFileSync(join(root, file), 'utf8')])

/** Tests that name the code, or one of its class. */
function provokedBy(code: string): string[] {
  const quoted = new RegExp(code.length === 2 ? `'${code}[0-9A-Z]{3}'` : `'${code}'`)
  return tests.filter(([, text]) => quoted.test(text)).map(([name]) => name)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
