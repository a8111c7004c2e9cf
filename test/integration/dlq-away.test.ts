import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Relay } from '../../src/chaos/relay.ts'
import { type Database, kinds, openDatabase } from './databases.ts'
import { etl, etlJson, startEtl } from './etl.ts'
import { servers } from './servers.ts'
import { Workspace } from './workspace.ts'

const id = { name: 'id', type: 'long' }
const added = { name: 'more', type: ['null', 'string'], default: null }

interface Health {
  readonly server: string
  readonly breaker: string
  readonly openings: number
  readonly awayMs: number
  readonly gaveUp: boolean
}

interface Document {
  readonly read: number
  readonly written: number
  readonly deadLettered: number
  readonly servers: readonly Health[]
  readonly partitions: readonly {
    readonly state: string
    readonly waits: number
    readonly waitedMs: number
    readonly error?: { readonly code: string }
  }[]
}

for (const kind of kinds)
  describe(`a server that is away, ${kind}`, { concurrency: false }, () => {
    let work: Workspace
    let db: Database
    let database: Relay
    let registry: Relay

    before(async () => {
      work = new Workspace(`away_${kind}`)
      db = await openDatabase(kind)
      const url = new URL(servers().registryUrl)
      database = new Relay(servers()[kind])
      registry = new Relay({ host: url.hostname, port: Number(url.port) })
      await database.listen()
      await registry.listen()
    })
    after(async () => {
      await database.close()
      await registry.close()
      await db.close()
      await work.remove()
    })

    const count = async (topic: string) => Number(await db.value(`SELECT count(*) FROM ${db.quote(topic)}`))
    const prepare = async (name: string) => {
      const topic = work.topic(name)
      const schema = work.schema(topic, [id, added])
      await etlJson(['apply', '-t', topic, '--schema', schema, '-s', kind, '-p', '4'])
      return topic
    }
    const generate = (topic: string, n: number, ...flags: string[]) =>
      etlJson(['produce', '-t', topic, '--generate', String(n), '--seed', '1', ...flags])
    /** A consumer that reaches database and registry through the relays only. */
    const consumer = (topic: string, ...flags: string[]) => {
      const { user, password, database: name } = servers()[kind]
      const scheme = kind === 'postgres' ? 'postgres' : 'mysql'
      const url = new URL(servers().registryUrl)
      url.port = String(registry.port)
      const env = {
        [`ETL_${kind.toUpperCase()}_URL`]: `${scheme}://${user}:${password}@127.0.0.1:${database.port}/${name}`,
        ETL_REGISTRY_URL: url.href,
      }
      const started = startEtl(
        ['consume', '-t', topic, '-s', kind, '--threads', '2', '--session-timeout', '6s', '--json', ...flags],
        { env },
      )
      let stderr = ''
      started.child.stderr?.on('data', (text: string) => {
        stderr += text
      })
      const until = async (done: () => Promise<boolean> | boolean) => {
        while (!(await done())) {
          assert.equal(started.child.exitCode, null, stderr)
          await sleep(50)
        }
      }
      const says = (text: string) => until(() => stderr.includes(text))
      const end = async () => {
        const { code, stdout } = await started.output
        return { code, stderr, ...(JSON.parse(stdout) as Document) }
      }
      const stop = () => {
        started.child.kill('SIGTERM')
        return end()
      }
      return { until, says, stop, end }
    }
    const health = (document: Document, server: string) => {
      const found = document.servers.find((each) => each.server === server)
      assert(found)
      return found
    }
    const verified = async (topic: string) => {
      const { code, stdout } = await etl(['verify-offsets', '-t', topic, '-s', kind, '--json'])
      assert.equal(code, 0, stdout)
    }

    it('database: nothing becomes a dead letter, and all lanes go on when it is back', async () => {
      const topic = await prepare('database')
      await generate(topic, 2_000)
      const running = consumer(topic)
      await running.until(async () => (await count(topic)) === 2_000)
      await database.refuse()
      await generate(topic, 2_000)
      await running.says('database away: ')
      await database.accept()
      await running.until(async () => (await count(topic)) === 4_000)
      await running.says('database back after ')
      const result = await running.stop()
      assert.deepEqual([result.code, result.written, result.deadLettered], [0, 4_000, 0])
      const { breaker, openings, awayMs, gaveUp } = health(result, 'database')
      assert.deepEqual([breaker, openings > 0, awayMs > 0, gaveUp], ['closed', true, true, false])
      assert(result.partitions.every(({ waits, waitedMs }) => waits > 0 && waitedMs > 0))
      await verified(topic)
    })

    it('database: claims wait for it, and go on when it is back', async () => {
      const topic = await prepare('claims')
      await generate(topic, 500)
      const direct = startEtl(['consume', '-t', topic, '-s', kind, '--threads', '2', '--json'])
      const running = consumer(topic)
      await running.until(async () => (await count(topic)) === 500)
      await database.refuse()
      // Its partitions go to the one who cannot reach the database.
      direct.child.kill('SIGTERM')
      await direct.output
      await generate(topic, 500)
      await running.says('database away: ')
      await database.accept()
      await running.until(async () => (await count(topic)) === 1_000)
      const result = await running.stop()
      assert.deepEqual([result.code, result.deadLettered], [0, 0])
      await verified(topic)
    })

    it('database: --retry-for ends the run with exit code 5, and the next one goes on', async () => {
      const topic = await prepare('patience')
      await generate(topic, 20_000)
      const running = consumer(topic, '--until-end', '--batch-records', '50', '--retry-for', '1s')
      await running.until(async () => (await count(topic)) > 0)
      await database.refuse()
      const result = await running.end()
      assert.equal(result.code, 5)
      assert.match(result.stderr, /gave up after 1 s \(--retry-for\)/)
      assert.equal(health(result, 'database').gaveUp, true)
      assert(
        result.partitions.some(({ state, error }) => state === 'failed' && error?.code === 'unreachable'),
      )
      await database.accept()
      const rest = await consumer(topic, '--until-end').end()
      assert.equal(rest.code, 0)
      assert.equal(await count(topic), 20_000)
      await verified(topic)
    })

    it('registry: a new schema waits for it, and is no dead letter', async () => {
      const topic = work.topic('registry')
      const old = work.schema(`${topic}_old`, [id])
      const register = await etlJson(['schema', 'register', old, '--topic', topic])
      assert(register.registered.length > 0)
      const schema = work.schema(topic, [id, added])
      await etlJson(['apply', '-t', topic, '--schema', schema, '-s', kind, '-p', '4'])
      await generate(topic, 1_000)
      const running = consumer(topic)
      await running.until(async () => (await count(topic)) === 1_000)
      await registry.refuse()
      await generate(topic, 1_000, '--schema', old)
      await running.says('registry away: ')
      await registry.accept()
      await running.until(async () => (await count(topic)) === 2_000)
      const result = await running.stop()
      assert.deepEqual([result.code, result.written, result.deadLettered], [0, 2_000, 0])
      assert(health(result, 'registry').openings > 0)
      assert.equal(health(result, 'database').openings, 0)
      await verified(topic)
    })
  })
