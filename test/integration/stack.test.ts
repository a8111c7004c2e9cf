import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { UnreachableError, UsageError } from '../../src/errors.ts'
import type { KafkaAdmin } from '../../src/kafka/admin.ts'
import { openAdmin } from '../../src/kafka/open.ts'
import { stackDown } from '../../src/stack/down.ts'
import { isRunning, processStartTime } from '../../src/stack/service-process.ts'
import {
  readStackState,
  type ServiceName,
  type StackServices,
  writeStackState,
} from '../../src/stack/state.ts'
import { stackStatus } from '../../src/stack/status.ts'
import { type StartedService, stackUp, type UpOptions } from '../../src/stack/up.ts'

/** A stack of its own in a new folder, taken down and deleted after the test file. */
function newStack() {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'etl-stack-')))
  const down = (services: ServiceName[], purge = false) => stackDown({ dir, services, purge, note: () => {} })
  const up = (services: ServiceName[], ports: UpOptions['ports'] = {}): Promise<StartedService[]> =>
    stackUp({
      dir,
      services,
      ports,
      fast: true,
      reporter: { note: () => {}, download: () => {}, ready: () => {} },
    })
  after(async () => {
    await down(['kafka', 'registry', 'mysql', 'postgres'], true)
    rmSync(dir, { recursive: true, force: true })
  })
  return { dir, up, down, services: () => readStackState(dir)?.services ?? {} }
}

async function stateOf(dir: string, name: ServiceName) {
  const found = (await stackStatus(dir)).find(({ service }) => service === name)
  assert(found)
  return found
}

async function endsOf(name: keyof StackServices, services: StackServices): Promise<void> {
  const entry = services[name]
  assert(entry)
  while (await isRunning(entry)) await sleep(20)
}

async function query(services: StackServices, sql: string): Promise<Record<string, unknown>[]> {
  assert(services.postgres)
  const { host, port, user, password, database } = services.postgres
  const client = new pg.Client({ host, port, user, password, database })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

async function withAdmin<T>(services: StackServices, ask: (admin: KafkaAdmin) => Promise<T>): Promise<T> {
  const admin = openAdmin({ brokers: services.kafka?.brokers ?? [], clientId: 'stack-test' })
  try {
    return await ask(admin)
  } finally {
    await admin.close()
  }
}

async function subjects(services: StackServices): Promise<unknown> {
  return await (await fetch(`${services.registry?.url}/subjects`)).json()
}

test('PostgreSQL and the registry: up, up again, down, up with the data, purge', async () => {
  const stack = newStack()
  const [registry, postgres] = await stack.up(['registry', 'postgres'])
  assert.deepEqual([registry?.outcome, postgres?.outcome], ['started', 'started'])
  const first = stack.services()
  await query(first, 'CREATE TABLE kept AS SELECT 42 AS answer')
  const registered = await fetch(`${first.registry?.url}/subjects/kept-value/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: '{"type":"string"}' }),
  })
  assert.equal(registered.status, 200)
  assert.deepEqual(
    (await stackStatus(stack.dir)).map(({ service, state }) => [service, state]),
    [
      ['kafka', 'stopped'],
      ['registry', 'running'],
      ['mysql', 'stopped'],
      ['postgres', 'running'],
    ],
  )

  const again = await stack.up(['postgres'])
  assert.deepEqual([again[0]?.outcome, again[0]?.state.pid], ['was running', first.postgres?.pid])

  const stopped = await stack.down(['registry', 'postgres'])
  assert.deepEqual(
    stopped.map(({ outcome }) => outcome),
    ['stopped', 'stopped'],
  )
  assert.equal(await isRunning(first.postgres as NonNullable<StackServices['postgres']>), false)
  assert.equal(readStackState(stack.dir), undefined)
  assert.deepEqual(
    (await stack.down(['postgres'])).map(({ outcome }) => outcome),
    ['not running'],
  )

  await stack.up(['registry', 'postgres'])
  assert.deepEqual(await query(stack.services(), 'SELECT answer FROM kept'), [{ answer: 42 }])
  assert.deepEqual(await subjects(stack.services()), ['kept-value'])

  const data = stack.services().postgres?.data ?? ''
  assert(existsSync(data))
  await stack.down(['registry', 'postgres'], true)
  assert.equal(existsSync(data), false)
  assert.equal(existsSync(join(stack.dir, '.etl')), false)
})

test('PostgreSQL: the role is no superuser, a wrong password is refused, the session is in UTC', async () => {
  const stack = newStack()
  await stack.up(['postgres'])
  const services = stack.services()
  const [row] = await query(
    services,
    "SELECT rolsuper, current_setting('TimeZone') AS zone, pg_encoding_to_char(encoding) AS encoding" +
      ' FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()',
  )
  assert.deepEqual(row, { rolsuper: false, zone: 'UTC', encoding: 'UTF8' })
  const postgres = services.postgres as NonNullable<StackServices['postgres']>
  await assert.rejects(query({ postgres: { ...postgres, password: 'wrong' } }, 'SELECT 1'), /password/)
  await assert.rejects(query({ postgres: { ...postgres, user: 'postgres' } }, 'SELECT 1'), /password/)
})

test('MariaDB takes the text, the files and the sessions that the sinks need', async () => {
  const stack = newStack()
  await stack.up(['mysql'])
  const mysql = stack.services().mysql
  assert(mysql)
  const { host, port, user, password = '', database } = mysql
  const connection = await createConnection({ host, port, user, password, database })
  try {
    const [rows] = await connection.query(
      'SELECT @@character_set_server, @@local_infile, @@time_zone, @@max_connections',
    )
    assert.deepEqual(rows, [
      {
        '@@character_set_server': 'utf8mb4',
        '@@local_infile': 1,
        '@@time_zone': '+00:00',
        '@@max_connections': 200,
      },
    ])
    await connection.query('CREATE TABLE emoji (text VARCHAR(10) NOT NULL)')
    await connection.query("INSERT INTO emoji VALUES ('👩‍🚀')")
    const [kept] = await connection.query('SELECT text FROM emoji')
    assert.deepEqual(kept, [{ text: '👩‍🚀' }])
  } finally {
    await connection.end()
  }
  await assert.rejects(createConnection({ host, port, user: 'root', database }), /Access denied/)
})

test('Kafka: a crash is seen in the status with the end of the log, and up brings the topics back', async () => {
  const stack = newStack()
  await stack.up(['kafka'])
  const first = stack.services()
  await withAdmin(first, (admin) =>
    admin.createTopic({ name: 'kept', partitions: 2, replicationFactor: 1, config: new Map() }),
  )
  const created = await withAdmin(first, (admin) => admin.topic('kept'))
  assert(created)

  process.kill(first.kafka?.pid as number, 'SIGKILL')
  await endsOf('kafka', first)
  const crashed = await stateOf(stack.dir, 'kafka')
  assert.equal(crashed.state, 'crashed')
  assert.match(crashed.detail.join('\n'), /kept-0/)

  const [restarted] = await stack.up(['kafka'])
  assert.equal(restarted?.outcome, 'started')
  assert.notEqual(restarted?.state.pid, first.kafka?.pid)
  assert.deepEqual(await withAdmin(stack.services(), (admin) => admin.topic('kept')), created)

  await stack.down(['kafka'])
  writeFileSync(join(first.kafka?.data ?? '', 'log', 'meta.properties'), 'version=1\nnode.id=7\n')
  await assert.rejects(stack.up(['kafka']), (err) => {
    assert(err instanceof UnreachableError)
    assert.equal(err.where, first.kafka?.log)
    assert.match((err.cause as Error).message, /end of its log:.*No readable meta\.properties files found/s)
    return true
  })
  assert.equal((await stateOf(stack.dir, 'kafka')).state, 'crashed')
})

test('down leaves a process alone that got the number of a service which is gone', async () => {
  const stack = newStack()
  const entry = { pid: process.pid, startTime: 'another boot/1', port: 1, log: '', data: '' }
  const services = { kafka: { ...entry, brokers: [], controllerPort: 2 } }
  writeStackState(stack.dir, { version: 1, services })
  assert.equal((await stateOf(stack.dir, 'kafka')).state, 'crashed')
  assert.deepEqual(
    (await stack.down(['kafka'])).map(({ outcome }) => outcome),
    ['crashed'],
  )
  assert.equal(readStackState(stack.dir), undefined)
})

test('a process that does not answer is told from one that is gone', async () => {
  const stack = newStack()
  const startTime = await processStartTime(process.pid)
  const entry = { pid: process.pid, startTime: startTime ?? '', port: 1, log: '', data: '' }
  writeStackState(stack.dir, {
    version: 1,
    services: { kafka: { ...entry, brokers: [], controllerPort: 2 } },
  })
  const status = await stateOf(stack.dir, 'kafka')
  assert.equal(status.state, 'not answering')
  assert.match(status.detail.join(), /ECONNREFUSED/)
  writeStackState(stack.dir, { version: 1, services: {} })
})

test('a fixed port that is taken is refused before anything starts, and so is another port for what runs', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const stack = newStack()
  try {
    await assert.rejects(stack.up(['postgres'], { postgres: port }), UsageError)
    assert.deepEqual(stack.services(), {})
  } finally {
    server.close()
  }
  await stack.up(['postgres'])
  await assert.rejects(stack.up(['postgres'], { postgres: port }), UsageError)
})
