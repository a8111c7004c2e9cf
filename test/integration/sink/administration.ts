import assert from 'node:assert/strict'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { SinkConfig } from '../../../src/sink/sink.ts'
import type { Place } from './fixtures.ts'
import type { OwnServer } from './own-server.ts'

/** Ends every session of `etl` from the server's side; resolves when they are gone. */
export async function endSessions({ config, admin }: OwnServer): Promise<void> {
  if (config.kind === 'postgres') {
    await admin("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'etl'")
    return
  }
  const found = await admin("SELECT id FROM information_schema.processlist WHERE user = 'etl'")
  await admin(...found.map(([id]) => `KILL ${id}`))
  for (;;) {
    const left = await admin("SELECT count(*) FROM information_schema.processlist WHERE user = 'etl'")
    if (left[0]?.[0] === '0') return
  }
}

/** A session that has the table to itself until `end()`. */
export async function lockTable({ config }: OwnServer, { spec }: Place): Promise<{ end(): Promise<void> }> {
  if (config.kind === 'postgres') {
    const client = await connectPostgres(config)
    await client.query(`BEGIN; LOCK TABLE "${spec.table}" IN ACCESS EXCLUSIVE MODE`)
    return client
  }
  const client = await connectMysql(config)
  await client.query(`LOCK TABLES \`${spec.table}\` WRITE`)
  return client
}

/** Does `statement` with the ID of the session that waits for the table, once there is one. */
export async function onceWaiting({ config, admin }: OwnServer, statement: string): Promise<void> {
  const waiting = {
    postgres: "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
    mysql: "SELECT id FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'",
  }[config.kind]
  for (;;) {
    const [row] = await admin(waiting)
    if (row === undefined) continue
    await admin(statement.replace('ID', row[0] ?? ''))
    return
  }
}

/** New sessions may take 300 ms for a statement. */
export async function limitStatements({ config, admin }: OwnServer, on: boolean): Promise<void> {
  if (config.kind === 'postgres') await admin(`ALTER ROLE etl SET statement_timeout = ${on ? 300 : 0}`)
  else await admin(`SET GLOBAL max_statement_time = ${on ? 0.3 : 0}`)
}

/** PostgreSQL's sessions take a new setting over a moment after it was made. */
export async function awaitReadOnly({ config, sql }: OwnServer, on: boolean): Promise<void> {
  const query = { postgres: 'SHOW default_transaction_read_only', mysql: 'SELECT @@global.read_only' }[
    config.kind
  ]
  const wanted = { postgres: on ? 'on' : 'off', mysql: on ? '1' : '0' }[config.kind]
  while ((await sql(query))[0]?.[0] !== wanted);
}

/** Takes every connection that the server has for `etl`; returns what closes them. */
export async function fillConnections(config: SinkConfig): Promise<(() => Promise<void>)[]> {
  const open: (() => Promise<void>)[] = []
  for (;;) {
    try {
      const client = config.kind === 'postgres' ? await connectPostgres(config) : await connectMysql(config)
      open.push(() => client.end())
    } catch (err) {
      const { code, errno } = err as { code?: string; errno?: number }
      assert(code === '53300' || errno === 1040, String(err))
      return open
    }
  }
}

async function connectPostgres({ host, port, user, password, database }: SinkConfig): Promise<pg.Client> {
  const client = new pg.Client({ host, port, user, password, database })
  client.on('error', () => {})
  await client.connect()
  return client
}

function connectMysql({ host, port, user, password = '', database }: SinkConfig): Promise<mysql.Connection> {
  return mysql.createConnection({ host, port, user, password, database })
}
