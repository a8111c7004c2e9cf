import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { redact } from '../../../src/cli/redact.ts'
import { Context } from '../../../src/config/context.ts'
import { keepOut, rememberTyped, Secrets, withoutSecrets } from '../../../src/config/secrets.ts'
import { urlTls } from '../../../src/config/sink-url.ts'
import { ConfigError, EtlError } from '../../../src/errors.ts'

const variable = 'ETL_TEST_SECRET'
const names = [
  'ETL_TEST_SECRET',
  'ETL_TEST_SECRET_FILE',
  'ETL_SINK_PASSWORD',
  'ETL_SINK_WARE_HOUSE_PASSWORD',
  'ETL_KAFKA_PASSWORD',
  'ETL_REGISTRY_USERNAME',
  'ETL_REGISTRY_TOKEN',
  'ETL_SINK_TLS',
  'ETL_SINK_TLS_CA',
]

let dir: string
let warnings: string[]
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'etl-secrets-'))
  warnings = []
  for (const name of names) delete process.env[name]
})
afterEach(() => {
  rmSync(dir, { recursive: true, force: true })
  for (const name of names) delete process.env[name]
})

const secrets = () => new Secrets({ base: dir, warn: (text) => warnings.push(text) })
const contextOf = (yaml: string) =>
  new Context({ config: file('etl.yaml', yaml, 0o600) }, (text) => warnings.push(text))

function file(name: string, content: string, mode: number): string {
  const path = join(dir, name)
  writeFileSync(path, content)
  chmodSync(path, mode)
  return path
}

function failure(work: () => unknown): EtlError {
  try {
    work()
  } catch (error) {
    assert(error instanceof EtlError, String(error))
    return error
  }
  return assert.fail('nothing was thrown')
}

describe('where a secret is found', () => {
  const places = { what: 'password of Kafka user a', variable }

  it('environment, its file, etl.yaml, its file, what was typed: in this order', () => {
    assert.equal(secrets().find(places), undefined)
    rememberTyped(places.what, 'typed at the prompt')
    assert.equal(secrets().find(places), 'typed at the prompt')
    file('secret', 'from the file\n', 0o600)
    assert.equal(secrets().find({ ...places, file: 'secret' }), 'from the file')
    assert.equal(secrets().find({ ...places, value: 'from etl.yaml' }), 'from etl.yaml')
    process.env[`${variable}_FILE`] = file('other', 'from the other file\r\n', 0o600)
    assert.equal(secrets().find({ ...places, value: 'from etl.yaml' }), 'from the other file')
    delete process.env[`${variable}_FILE`]
    process.env[variable] = 'from the environment'
    assert.equal(secrets().find({ ...places, file: 'secret' }), 'from the environment')
  })

  it('blanks belong to it, one line end does not', () => {
    file('secret', '  two words \n\n', 0o600)
    assert.equal(secrets().find({ ...places, file: 'secret' }), '  two words \n')
  })

  it('two places at once, an empty file and no file are errors that name the place', () => {
    process.env[variable] = 'hunter22'
    process.env[`${variable}_FILE`] = 'x'
    assert.match(failure(() => secrets().find(places)).message, /ETL_TEST_SECRET and ETL_TEST_SECRET_FILE/)
    delete process.env[variable]
    assert.equal(failure(() => secrets().find(places)).where, join(process.cwd(), 'x'))
    process.env[`${variable}_FILE`] = file('empty', '\n', 0o600)
    assert.match(failure(() => secrets().find(places)).message, /empty/)
    delete process.env[`${variable}_FILE`]
    assert.match(
      failure(() => secrets().find({ ...places, value: 'a', file: 'b' })).message,
      /twice in etl.yaml/,
    )
    const large = file('large', 'x'.repeat(5 * 1024 * 1024), 0o600)
    assert.match(String(failure(() => secrets().find({ ...places, file: large })).cause), /may have/)
  })

  it('a missing one says how to give it, and lets a terminal ask', () => {
    const error = failure(() => secrets().need({ what: 'password of b', variable }))
    assert.equal(error.exitCode, 78)
    assert.equal(error.secret, 'password of b')
    assert.match(error.next ?? '', /export ETL_TEST_SECRET=…, or ETL_TEST_SECRET_FILE=FILE/)
  })

  it('a file that others can read is warned of, one of a container runtime or a pipe is not', () => {
    for (const mode of [0o600, 0o400]) secrets().find({ ...places, file: file('mine', 'secret', mode) })
    assert.deepEqual(warnings, [])
    for (const mode of [0o640, 0o604]) secrets().find({ ...places, file: file('open', 'secret', mode) })
    assert.equal(warnings.length, 2)
    assert.match(warnings[0] ?? '', /other users can read the secret in .*open: chmod 600/)
    secrets().find({ ...places, file: '/proc/self/status' })
  })
})

describe('secrets of each server', () => {
  it('a sink takes its own variable, etl.yaml, then the one of all sinks', () => {
    const yaml =
      'sinks: { ware-house: { url: "postgres://u@h/d", password: fromYaml }, other: { url: "mysql://u@h/d" } }'
    process.env.ETL_SINK_PASSWORD = 'fromAll'
    assert.equal(contextOf(yaml).sink('ware-house').config.password, 'fromYaml')
    assert.equal(contextOf(yaml).sink('other').config.password, 'fromAll')
    process.env.ETL_SINK_WARE_HOUSE_PASSWORD = 'ownVariable'
    assert.equal(contextOf(yaml).sink('ware-house').config.password, 'ownVariable')
  })

  it('Kafka and registry need theirs when there is a user', () => {
    const kafka = 'kafka: { brokers: "h:1", sasl: { mechanism: plain, username: ann } }\n'
    assert.equal(failure(() => contextOf(kafka).kafka()).secret, 'password of Kafka user ann')
    const registry = 'registry: { url: "http://h:1", username: ann }\n'
    assert.equal(failure(() => contextOf(registry).registry()).secret, 'password of registry user ann')
    process.env.ETL_REGISTRY_TOKEN = 'a-bearer-token'
    assert.match(failure(() => contextOf(registry).registry()).message, /a token and a user name/)
    assert.equal(contextOf('registry: { url: "http://h:1" }\n').registry().token, 'a-bearer-token')
  })

  it('TLS is on with a certificate authority or a switch, and off by it', () => {
    const yaml = 'sinks: { w: { url: "postgres://u@h/d", tls: true }, m: { url: "mysql://u@h/d" } }'
    const tls = (name: string) => contextOf(yaml).sink(name).config.tls
    assert.notEqual(tls('w'), undefined)
    assert.equal(tls('m'), undefined)
    process.env.ETL_SINK_TLS = 'false'
    assert.equal(tls('w'), undefined)
    process.env.ETL_SINK_TLS = 'yes'
    assert.throws(() => tls('w'), ConfigError)
    delete process.env.ETL_SINK_TLS
    process.env.ETL_SINK_TLS_CA = file('ca.pem', 'no certificate', 0o644)
    assert.match(failure(() => tls('m')).message, /certificate authorities \(ca\) cannot be used/)
    process.env.ETL_SINK_TLS_CA = join(dir, 'missing.pem')
    assert.equal(failure(() => tls('m')).where, join(dir, 'missing.pem'))
  })
})

describe('TLS in a database address', () => {
  const of = (query: string) => urlTls(`postgres://u@h/d${query}`, '--sink')

  it('every mode that asks for it checks everything', () => {
    for (const mode of ['require', 'verify-ca', 'verify-full', 'VERIFY_IDENTITY', 'REQUIRED'])
      assert.equal(of(`?sslmode=${mode}`), true)
    assert.deepEqual(of('?sslmode=verify-full&sslrootcert=a.pem'), { ca: 'a.pem' })
    assert.deepEqual(of('?ssl-ca=a.pem&ssl-cert=b.pem&ssl-key=c.pem'), {
      ca: 'a.pem',
      cert: 'b.pem',
      key: 'c.pem',
    })
    assert.equal(of('?sslmode=disable'), false)
    assert.equal(of(''), undefined)
  })

  it('modes that may end without TLS, and parameters that nobody reads, are refused', () => {
    for (const query of ['?sslmode=prefer', '?sslmode=allow', '?sslmode=on', '?password=x', '?ssl=true'])
      assert.throws(() => of(query), ConfigError)
  })
})

describe('what is kept out of output', () => {
  it('every secret that was read, also in the forms of URLs and headers', () => {
    keepOut('s3cr3t/with?signs')
    const forms = [
      's3cr3t/with?signs',
      encodeURIComponent('s3cr3t/with?signs'),
      Buffer.from('s3cr3t/with?signs').toString('base64'),
    ]
    for (const form of forms) assert.equal(redact(`the server said ${form}!`), 'the server said ***!')
    assert.equal(withoutSecrets('nothing in here'), 'nothing in here')
  })

  it('short ones stay: they are parts of words', () => {
    keepOut('etl')
    assert.equal(withoutSecrets('etl consume'), 'etl consume')
  })
})
