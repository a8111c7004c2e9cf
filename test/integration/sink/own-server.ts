import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { appendFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { SinkConfig } from '../../../src/sink/sink.ts'
import { databaseAccount } from '../../../src/stack/account.ts'
import { startDetached } from '../../../src/stack/launch.ts'
import { pickPort } from '../../../src/stack/ports.ts'
import { awaitReady } from '../../../src/stack/ready.ts'
import { endProcess, isRunning, processStartTime } from '../../../src/stack/service-process.ts'
import { serviceOf } from '../../../src/stack/services.ts'
import { type DatabaseState, readStackState } from '../../../src/stack/state.ts'
import { stackUp } from '../../../src/stack/up.ts'

/** A database server of a test's own, which may die, fill up and be changed. Durable: not `--fast`. */
export interface OwnServer {
  /** As the user `etl`, who is no administrator. */
  readonly config: SinkConfig
  readonly data: string
  /** Statements of an administrator, on a connection of their own; rows of the last one as arrays of text. */
  admin(...statements: string[]): Promise<(string | null)[][]>
  /** One statement of the user `etl`, on a connection of its own. Identifiers are in double quotes. */
  sql(statement: string): Promise<(string | null)[][]>
  /** Ends every process of the server with SIGKILL, as a power cut would. */
  kill(): Promise<void>
  /** Ends it in order. */
  stop(): Promise<void>
  /** Starts it again on the same port and data. */
  start(): Promise<void>
  /** The next start is one in recovery, as of a PostgreSQL standby whose primary is gone. */
  standby(): Promise<void>
  /** Ends it and deletes its data. */
  dispose(): Promise<void>
}

/** Starts a server with further `settings`: `name=value`. */
export async function ownServer(
  kind: SinkConfig['kind'],
  settings: readonly string[] = [],
): Promise<OwnServer> {
  const dir = mkdtempSync(join(tmpdir(), `etl-own-${kind}-`))
  // The databases' user has to get through.
  chmodSync(dir, 0o755)
  const port = await pickPort(20_000 + Math.floor(Math.random() * 20_000), new Set())
  const reporter = { note: () => {}, download: () => {}, ready: () => {} }
  await stackUp({ dir, services: [kind], ports: { [kind]: port }, fast: false, reporter })
  let state = stateOf(dir, kind)
  const { data, log, host, user, password = '', database } = state
  const [command = '', ...args] = readFileSync(`/proc/${state.pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
  const options = settings.flatMap((setting) => (kind === 'mysql' ? [`--${setting}`] : ['-c', setting]))
  const account = databaseAccount()
  const stop = async (): Promise<void> => {
    await endProcess(state, serviceOf(kind).stopSignal, 20_000)
  }
  const start = async (): Promise<void> => {
    const launch = { command, args: [...args, ...options], cwd: data, account }
    state = { ...state, ...(await startDetached(launch, log)) }
    await awaitReady(kind, state)
  }
  const dispose = async (): Promise<void> => {
    await killTree(state.pid)
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    await stop()
    if (kind === 'mysql') await appendFile(join(data, 'users.sql'), administrator)
    await start()
  } catch (err) {
    await dispose()
    throw err
  }
  return {
    config: { kind, host, port, user, password, database },
    data,
    admin: (...statements) =>
      kind === 'mysql'
        ? onMysql({ port, user: 'admin', password: 'admin', database }, statements)
        : // By the socket, where the superuser needs no password.
          onPostgres({ host: data, port, user: 'postgres', database }, statements),
    sql: (statement) =>
      kind === 'mysql'
        ? onMysql({ port, user, password, database }, [statement])
        : onPostgres({ host, port, user, password, database }, [statement]),
    kill: () => killTree(state.pid),
    stop,
    start,
    standby: () => writeFile(join(data, 'data', 'standby.signal'), ''),
    dispose,
  }
}

function stateOf(dir: string, kind: SinkConfig['kind']): DatabaseState {
  const state = readStackState(dir)?.services[kind]
  if (state === undefined) throw new Error(`${kind} is not in the state of ${dir}`)
  return state
}

const administrator = "GRANT ALL ON *.* TO 'admin'@'127.0.0.1' IDENTIFIED BY 'admin' WITH GRANT OPTION;\n"

async function onMysql(
  login: mysql.ConnectionOptions,
  statements: readonly string[],
): Promise<(string | null)[][]> {
  const client = await mysql.createConnection({
    ...login,
    host: '127.0.0.1',
    rowsAsArray: true,
    typeCast: (field) => field.string(),
  })
  try {
    await client.query("SET SESSION sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES'")
    let rows: (string | null)[][] = []
    for (const statement of statements) {
      const [result] = await client.query(statement)
      rows = Array.isArray(result) ? (result as (string | null)[][]) : []
    }
    return rows
  } finally {
    await client.end()
  }
}

async function onPostgres(
  login: pg.ClientConfig,
  statements: readonly string[],
): Promise<(string | null)[][]> {
  const types = { getTypeParser: () => (text: string) => text }
  const client = new pg.Client({ ...login, types })
  await client.connect()
  try {
    let rows: (string | null)[][] = []
    for (const text of statements) rows = (await client.query({ text, rowMode: 'array' })).rows
    return rows
  } finally {
    await client.end()
  }
}

/** The process and its children: PostgreSQL's sessions are processes that outlive their parent for a moment. */
async function killTree(pid: number): Promise<void> {
  const family = [pid, ...childrenOf(pid)]
  const ids = (
    await Promise.all(family.map(async (each) => ({ pid: each, startTime: await processStartTime(each) })))
  ).flatMap(({ startTime, ...id }) => (startTime === undefined ? [] : [{ ...id, startTime }]))
  for (const id of ids) {
    try {
      process.kill(id.pid, 'SIGKILL')
    } catch (err) {
      // A child that ended by itself in this moment.
      if ((err as NodeJS.ErrnoException).code !== 'ESRCH') throw err
    }
  }
  for (const id of ids) while (await isRunning(id)) await new Promise((resolve) => setTimeout(resolve, 10))
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
        // Field 4 is the parent; the command in field 2 may hold spaces.
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent
      } catch {
        return false
      }
    })
}
