import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { Context, groupOf } from '../../../src/config/context.ts'
import { parseConfig } from '../../../src/config/file.ts'
import { parseSinkUrl } from '../../../src/config/sink-url.ts'
import { ConfigError, UsageError } from '../../../src/errors.ts'

const variables = [
  'ETL_POSTGRES_URL',
  'ETL_MYSQL_URL',
  'ETL_SINK_PASSWORD',
  'ETL_KAFKA_PASSWORD',
  'ETL_STACK_STATE',
  'DB_HOST',
]
const saved = new Map(variables.map((name) => [name, process.env[name]]))
let dir = ''

before(() => {
  dir = mkdtempSync(join(tmpdir(), 'etl-config-'))
})
after(() => rmSync(dir, { recursive: true }))
afterEach(() => {
  for (const [name, value] of saved)
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
})

function contextOf(yaml: string, overrides = {}): Context {
  for (const name of variables) if (name.endsWith('_URL')) delete process.env[name]
  process.env.ETL_STACK_STATE = join(dir, 'no-stack.json')
  const config = join(dir, 'etl.yaml')
  writeFileSync(config, yaml)
  return new Context({ config, ...overrides })
}

const variable = (fallback: string) => `\${DB_HOST${fallback}}`

const fails = (f: () => unknown): ConfigError => {
  try {
    f()
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error
  }
  throw new Error('it did not fail')
}

describe('etl.yaml', () => {
  it('reports YAML errors with line and column', () => {
    assert.match(fails(() => parseConfig('kafka:\n  brokers: [a', 'etl.yaml')).where ?? '', /^etl\.yaml:2:/)
  })

  it('names an unknown key and its line', () => {
    const error = fails(() => parseConfig('kafka:\n  brokers: [a:1]\n  broker: x\n', 'etl.yaml'))
    assert.match(error.message, /kafka does not know the key "broker"/)
    assert.match(error.where ?? '', /^etl\.yaml:\d+$/)
  })

  it('interpolates variables, takes defaults, and refuses undefined ones', () => {
    process.env.DB_HOST = 'db.example'
    const text = (v: string) => `sinks:\n  a: { url: "postgres://u@${v}/d" }\n`
    assert.equal(parseConfig(text(variable('')), 'f').sinks?.a?.url, 'postgres://u@db.example/d')
    delete process.env.DB_HOST
    assert.equal(parseConfig(text(variable(':-local')), 'f').sinks?.a?.url, 'postgres://u@local/d')
    const error = fails(() => parseConfig(text(variable('')), 'f'))
    assert.match(error.message, /DB_HOST is not set/)
    assert.equal(error.where, 'f:2')
  })
})

describe('parseSinkUrl', () => {
  it('takes user, port and database, with their defaults', () => {
    assert.deepEqual(parseSinkUrl('mysql://me@h/d%20b', 'x'), {
      kind: 'mysql',
      host: 'h',
      port: 3306,
      user: 'me',
      password: undefined,
      database: 'd b',
    })
    assert.equal(parseSinkUrl('postgresql://[::1]:77/d', 'x').host, '::1')
  })

  it('never repeats the address: it may hold a password', () => {
    const error = fails(() => parseSinkUrl('oracle://u:topsecret@h/d', '--sink'))
    assert.doesNotMatch(JSON.stringify({ ...error, m: error.message }), /topsecret/)
  })
})

describe('Context', () => {
  it('prefers flags to the file', () => {
    const yaml = 'kafka: { brokers: "a:1, b:2" }\n'
    assert.deepEqual(contextOf(yaml).kafka().brokers, ['a:1', 'b:2'])
    assert.deepEqual(contextOf(yaml, { brokers: 'c:3' }).kafka().brokers, ['c:3'])
  })

  it('says what is missing and how to give it', () => {
    const error = fails(() => contextOf('').kafka())
    assert.match(`${error.message} ${error.next}`, /Kafka brokers.*etl stack up.*ETL_BROKERS/)
    assert.match(fails(() => contextOf('').registry()).next ?? '', /ETL_REGISTRY_URL/)
    assert.match(fails(() => contextOf('').sink('postgres')).next ?? '', /ETL_POSTGRES_URL/)
  })

  it('refuses a broker address without port', () => {
    assert.match(fails(() => contextOf('', { brokers: 'localhost' }).kafka()).message, /HOST:PORT/)
  })

  it('refuses a password in a flag, and takes it from the environment', () => {
    process.env.ETL_SINK_PASSWORD = 'fromEnv'
    const context = contextOf('')
    assert.throws(() => context.sink('postgres://u:p@h/d'), UsageError)
    assert.equal(context.sink('postgres://u@h/d').config.password, 'fromEnv')
  })

  it('reads passwords from files beside etl.yaml', () => {
    writeFileSync(join(dir, 'secret'), 'fromFile\n')
    const context = contextOf('sinks: { w: { url: "mysql://u@h/d", passwordFile: secret } }\n')
    assert.equal(context.sink('w').config.password, 'fromFile')
    assert.match(fails(() => context.sink('x')).message, /no sink "x"; there are: w/)
  })

  it('names the group after topic and database, so that two databases never share one', () => {
    const context = contextOf('datasets: { d: { schema: d.avsc, topic: t } }\n')
    const dataset = context.dataset('t')
    assert.equal(dataset.schema, join(dir, 'd.avsc'))
    const group = (url: string) => groupOf(dataset, parseSinkUrl(url, 'x'))
    assert.equal(group('postgres://h/a'), 'etl-t-postgres-a')
    assert.equal(new Set([group('postgres://h/a'), group('mysql://h/a'), group('postgres://h/b')]).size, 3)
  })

  it('asks which sink when there are several', () => {
    const context = contextOf('sinks: { a: { url: "mysql://h/d" }, b: { url: "postgres://h/d" } }\n')
    assert.throws(() => context.oneSink(undefined, context.dataset('t')), /several sinks: a, b/)
    assert.equal(context.oneSink('b', context.dataset('t')).config.kind, 'postgres')
  })
})
