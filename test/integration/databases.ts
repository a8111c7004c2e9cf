import mysql from 'mysql2/promise'
import pg from 'pg'
import type { SinkConfig } from '../../src/sink/sink.ts'
import { servers } from './servers.ts'

/** Plain SQL on the two databases, independent of the code under test. */
export interface Database {
  readonly kind: SinkConfig['kind']
  /** Rows as arrays of text (null stays null), so that nothing is rounded on the way. */
  rows(sql: string): Promise<(string | null)[][]>
  /** The only value of the only row. */
  value(sql: string): Promise<string | null>
  quote(name: string): string
  close(): Promise<void>
}

export const kinds = ['postgres', 'mysql'] as const

export async function openDatabase(kind: SinkConfig['kind']): Promise<Database> {
  return kind === 'postgres' ? openPostgres(servers().postgres) : openMysql(servers().mysql)
}

async function openPostgres(config: SinkConfig): Promise<Database> {
  const { host, port, user, password, database } = config
  const client = new pg.Client({
    host,
    port,
    user,
    password,
    database,
    types: { getTypeParser: () => (text: string) => text },
  })
  await client.connect()
  await client.query("SET timezone = 'UTC'")
  const rows = async (sql: string) =>
    (await client.query({ text: sql, rowMode: 'array' })).rows as (string | null)[][]
  return {
    kind: 'postgres',
    rows,
    value: async (sql) => (await rows(sql))[0]?.[0] ?? null,
    quote: (name) => `"${name.replaceAll('"', '""')}"`,
    close: () => client.end(),
  }
}

async function openMysql(config: SinkConfig): Promise<Database> {
  const { host, port, user, password, database } = config
  const connection = await mysql.createConnection({
    host,
    port,
    user,
    password: password ?? '',
    database,
    charset: 'utf8mb4',
    rowsAsArray: true,
    typeCast: (field) => field.string(),
  })
  await connection.query("SET time_zone = '+00:00'")
  const rows = async (sql: string) => (await connection.query(sql))[0] as (string | null)[][]
  return {
    kind: 'mysql',
    rows,
    value: async (sql) => (await rows(sql))[0]?.[0] ?? null,
    quote: (name) => `\`${name.replaceAll('`', '``')}\``,
    close: () => connection.end(),
  }
}
