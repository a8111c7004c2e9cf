import { randomBytes } from 'node:crypto'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { SinkConfig } from '../../../src/sink/sink.ts'

/** A database of its own for one test file, looked at without the code under test. */
export interface TestDatabase {
  readonly config: SinkConfig
  /** Rows as arrays of text. Identifiers are in double quotes on both. */
  sql(text: string): Promise<(string | null)[][]>
  /** Ends every other session of this database from the server's side. */
  killOthers(): Promise<number>
  /** Sessions of this database that wait for a row's lock. */
  blocked(): Promise<number>
  /** Sessions other than this one. */
  others(): Promise<number>
  drop(): Promise<void>
}

export async function createDatabase(server: SinkConfig): Promise<TestDatabase> {
  const config = { ...server, database: `etl_sink_${randomBytes(4).toString('hex')}` }
  return server.kind === 'postgres' ? postgresDatabase(server, config) : mysqlDatabase(server, config)
}

async function postgresDatabase(server: SinkConfig, config: SinkConfig): Promise<TestDatabase> {
  const connect = async (to: SinkConfig) => {
    const { host, port, user, password, database } = to
    const types = { getTypeParser: () => (text: string) => text }
    const client = new pg.Client({ host, port, user, password, database, types })
    await client.connect()
    await client.query("SET TimeZone = 'UTC'")
    return client
  }
  const admin = await connect(server)
  await admin.query(`CREATE DATABASE "${config.database}" ENCODING 'UTF8' TEMPLATE template0`)
  const client = await connect(config)
  const sql = async (text: string) =>
    (await client.query({ text, rowMode: 'array' })).rows as (string | null)[][]
  const others = 'FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()'
  return {
    config,
    sql,
    killOthers: async () => (await sql(`SELECT pg_terminate_backend(pid) ${others}`)).length,
    blocked: async () => {
      // Inside a transaction it would say the same again and again.
      await sql('SELECT pg_stat_clear_snapshot()')
      return Number((await sql(`SELECT count(*) ${others} AND wait_event_type = 'Lock'`))[0]?.[0])
    },
    others: async () => Number((await sql(`SELECT count(*) ${others}`))[0]?.[0]),
    drop: async () => {
      await client.end()
      await admin.query(`DROP DATABASE "${config.database}" WITH (FORCE)`)
      await admin.end()
    },
  }
}

async function mysqlDatabase(server: SinkConfig, config: SinkConfig): Promise<TestDatabase> {
  const { host, port, user, password = '' } = server
  const client = await mysql.createConnection({
    host,
    port,
    user,
    password,
    charset: 'utf8mb4',
    rowsAsArray: true,
    typeCast: (field) => field.string(),
  })
  await client.query("SET SESSION sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES', time_zone = '+00:00'")
  await client.query(`CREATE DATABASE "${config.database}"`)
  await client.query(`USE "${config.database}"`)
  const sql = async (text: string) => {
    const [rows] = await client.query(text)
    return Array.isArray(rows) ? (rows as (string | null)[][]) : []
  }
  const others = () =>
    sql('SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()')
  return {
    config,
    sql,
    killOthers: async () => {
      const found = await others()
      for (const [id] of found) await sql(`KILL ${id}`)
      return found.length
    },
    blocked: async () => {
      const waiting = await sql(
        `SELECT p.id FROM information_schema.innodb_trx t JOIN information_schema.processlist p
         ON p.id = t.trx_mysql_thread_id WHERE t.trx_state = 'LOCK WAIT' AND p.db = database()`,
      )
      return waiting.length
    },
    others: async () => (await others()).length,
    drop: async () => {
      await client.query(`DROP DATABASE "${config.database}"`)
      await client.end()
    },
  }
}
