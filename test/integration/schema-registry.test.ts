import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, suite, test } from 'node:test'
import { ConfigError, InputError, UnexpectedError, UnreachableError } from '../../src/errors.ts'
import { parseSchema } from '../../src/schema/avro-schema.ts'
import { checkSubject } from '../../src/schema/compat/check.ts'
import { registerSchema } from '../../src/schema/register.ts'
import { openRegistry, type RegistryClient } from '../../src/schema/registry-client/client.ts'
import { SchemaNotFoundError } from '../../src/schema/registry-client/errors.ts'
import { parseRegistered } from '../../src/schema/registry-client/references.ts'
import { loadSchema } from '../../src/schema/registry-client/schema-ref.ts'
import { servers } from './servers.ts'

const flight = (...fields: object[]) =>
  JSON.stringify({ type: 'record', name: 'Flight', namespace: 'com.exam', fields })
const delay = (type: string) => ({ name: 'delay', type })

suite('schema registry', () => {
  let registry: RegistryClient
  let url: string
  let count = 0
  const newSubject = () => `schemas-${process.pid}-${Date.now().toString(36)}-${++count}`

  before(() => {
    url = servers().registryUrl
    registry = openRegistry({ url })
  })
  after(() => registry.close())

  test('a subject that does not exist', async () => {
    const subject = newSubject()
    assert.equal(await registry.latest(subject), undefined)
    assert.equal(await registry.version(subject, 1), undefined)
    assert.deepEqual(await registry.versions(subject), [])
    assert.equal(await registry.lookup(subject, { schema: flight(delay('int')) }), undefined)
  })

  test('registers once, whatever the white space, and finds it by id, version and text', async () => {
    const subject = `${newSubject()}/with slash and ü`
    const text = flight(delay('int'))
    const id = await registry.register(subject, { schema: text })
    assert.equal(await registry.register(subject, { schema: JSON.stringify(JSON.parse(text), null, 2) }), id)
    assert.deepEqual(await registry.versions(subject), [1])
    assert.deepEqual(await registry.latest(subject), { subject, id, version: 1, schema: text })
    assert.deepEqual(await registry.lookup(subject, { schema: text }), {
      subject,
      id,
      version: 1,
      schema: text,
    })
    assert.equal((await registry.byId(id)).schema, text)
    assert.ok((await registry.subjects()).includes(subject))
  })

  test('versions count up', async () => {
    const subject = newSubject()
    await registry.register(subject, { schema: flight(delay('int')) })
    await registry.register(subject, { schema: flight(delay('long')) })
    assert.deepEqual(await registry.versions(subject), [1, 2])
    assert.match((await registry.version(subject, 1))?.schema ?? '', /"int"/)
    assert.equal((await registry.latest(subject))?.version, 2)
  })

  test('references are sent, stored and resolved', async () => {
    const [address, person] = [newSubject(), newSubject()]
    await registry.register(address, {
      schema: '{"type":"record","name":"Address","namespace":"com.exam","fields":[]}',
    })
    const schema =
      '{"type":"record","name":"Person","namespace":"com.exam","fields":[{"name":"home","type":"com.exam.Address"}]}'
    const references = [{ name: 'com.exam.Address', subject: address, version: 1 }]
    const id = await registry.register(person, { schema, references })
    const found = await registry.byId(id)
    assert.deepEqual(found.references, references)
    const parsed = await parseRegistered(registry, found, 'person')
    assert.ok(parsed.type === 'record' && parsed.fields[0]?.type.type === 'record')
    await assert.rejects(
      parseRegistered(
        registry,
        { schema, references: [{ name: 'x', subject: newSubject(), version: 1 }] },
        'person',
      ),
      ConfigError,
    )
  })

  test('an unknown id, a schema that is none', async () => {
    await assert.rejects(registry.byId(2_000_000_000), SchemaNotFoundError)
    await assert.rejects(registry.register(newSubject(), { schema: '{"type":"recrd"}' }), InputError)
  })

  test('checks a subject by its own level and by a given one', async () => {
    const subject = newSubject()
    await registry.register(subject, { schema: flight(delay('long')) })
    const next = parseSchema(flight(delay('int')), 'next')
    await setLevel(subject, 'BACKWARD')
    assert.equal(await registry.compatibilityLevel(subject), 'BACKWARD')
    const check = await checkSubject(registry, subject, next)
    assert.deepEqual(check.compared, [`${subject}:1`])
    assert.deepEqual(
      check.problems.map(({ path, rule }) => [path, rule]),
      [['Flight.delay', 'TYPE_MISMATCH']],
    )
    assert.deepEqual((await checkSubject(registry, subject, next, 'FORWARD')).problems, [])
  })

  test('what our check finds incompatible, the registry refuses, too', async () => {
    const subject = newSubject()
    await registry.register(subject, { schema: flight(delay('long')) })
    await setLevel(subject, 'FULL_TRANSITIVE')
    const loaded = (text: string) => ({ label: 'next.avsc', text, schema: parseSchema(text, 'next.avsc') })
    const bad = loaded(flight(delay('long'), { name: 'gate', type: 'string' }))
    await assert.rejects(
      registerSchema(registry, bad, subject, [], { check: true }),
      (error: ConfigError) => {
        assert.match(
          String((error.cause as Error).message),
          /Flight\.gate {2}READER_FIELD_MISSING_DEFAULT_VALUE/,
        )
        return error instanceof ConfigError
      },
    )
    await assert.rejects(registerSchema(registry, bad, subject, [], { check: false }), {
      code: 'schema_incompatible',
    })
    assert.deepEqual(await registry.versions(subject), [1])
    const good = loaded(flight(delay('long'), { name: 'gate', type: 'string', default: '' }))
    const first = await registerSchema(registry, good, subject, [], { check: true })
    assert.deepEqual([first.version, first.outcome], [2, 'registered'])
    const again = await registerSchema(registry, good, subject, [], { check: true })
    assert.deepEqual([again.version, again.id, again.outcome], [2, first.id, 'already there'])
  })

  test('names load as subject:version and subject', async () => {
    const subject = newSubject()
    await registry.register(subject, { schema: flight(delay('int')) })
    await registry.register(subject, { schema: flight(delay('long')) })
    assert.equal((await loadSchema(`${subject}:1`, () => registry)).label, `${subject}:1`)
    assert.equal((await loadSchema(subject, () => registry)).label, `${subject}:2`)
    await assert.rejects(
      loadSchema(`${subject}:9`, () => registry),
      ConfigError,
    )
  })

  test('a base URL without the API is named as the mistake', async () => {
    const wrong = openRegistry({ url: new URL('/', url).href })
    await assert.rejects(
      wrong.latest('x'),
      (error) => error instanceof UnexpectedError && /--registry-url/.test(error.next ?? ''),
    )
    wrong.close()
  })

  async function setLevel(subject: string, level: string): Promise<void> {
    const response = await fetch(`${url}/config/${encodeURIComponent(subject)}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ compatibility: level }),
    })
    assert.equal(response.status, 200)
  }
})

/** The real registry behind a gateway that fails in the ways of proxies. */
suite('schema registry behind a gateway', () => {
  const user = 'etl'
  const secret = 'planted-secret'
  let gateway: Server
  let address: string
  let answers: ((path: string) => number | string | undefined)[] = []
  let requests = 0

  before(async () => {
    const target = servers().registryUrl
    gateway = createServer(async (request, response) => {
      requests++
      const fault = answers.shift()?.(request.url ?? '')
      const wanted = `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`
      if (fault === 0) return request.socket.destroy()
      if (typeof fault === 'string') return response.end(fault)
      if (fault !== undefined) return response.writeHead(fault).end('<html>bad gateway</html>')
      if (request.headers.authorization !== wanted) return response.writeHead(401).end('{}')
      const forwarded = await fetch(`${target}${request.url}`)
      response.writeHead(forwarded.status, { 'content-type': 'application/json' }).end(await forwarded.text())
    })
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))
    address = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`
  })
  after(() => {
    gateway.close()
    gateway.closeAllConnections()
  })

  function open(password = secret): RegistryClient {
    requests = 0
    return openRegistry({ url: address, username: user, password }, { firstPause: 1, timeout: 2000 })
  }

  test('basic auth goes through; a cut connection, 502 and 429 are tried again', async () => {
    answers = [() => 0, () => 502, () => 429]
    assert.ok(Array.isArray(await open().subjects()))
    assert.equal(requests, 4)
  })

  test('gives up after five attempts, and says what the last one said', async () => {
    answers = Array.from({ length: 5 }, () => () => 503)
    await assert.rejects(open().subjects(), (error: UnreachableError) => {
      assert.ok(error instanceof UnreachableError)
      assert.match((error.cause as Error).message, /HTTP 503 \(5 attempts\)/)
      return true
    })
    assert.equal(requests, 5)
  })

  test('a wrong password is not tried again, and is nowhere in the error', async () => {
    await assert.rejects(open('other-secret').subjects(), (error: UnreachableError) => {
      const text = `${error.message} ${error.where} ${error.next} ${(error.cause as Error).message} ${error.stack}`
      assert.match(text, /refused the credentials/)
      assert.doesNotMatch(text, /other-secret|planted-secret|Basic/)
      return error instanceof UnreachableError
    })
    assert.equal(requests, 1)
  })

  test('an HTML page instead of the API is not taken for an answer', async () => {
    answers = [() => '<html>login</html>']
    await assert.rejects(open().latest('x'), /is not understood/)
  })

  test('an id is asked for once, unless that failed', async () => {
    const direct = openRegistry({ url: servers().registryUrl })
    const id = await direct.register(`schemas-cache-${process.pid}`, { schema: flight(delay('int')) })
    const registry = open()
    answers = [() => '<html></html>']
    await assert.rejects(registry.byId(id))
    const found = await Promise.all([registry.byId(id), registry.byId(id)])
    assert.equal(found[0], found[1])
    assert.equal(requests, 2)
    direct.close()
  })

  test('nobody listens', async () => {
    const away = openRegistry({ url: 'http://127.0.0.1:1' }, { firstPause: 1 })
    await assert.rejects(
      away.subjects(),
      (error) => error instanceof UnreachableError && error.exitCode === 5,
    )
  })

  test('credentials in the URL are refused without being printed', () => {
    assert.throws(
      () => openRegistry({ url: `http://u:${secret}@127.0.0.1:1` }),
      (error: ConfigError) => error instanceof ConfigError && !JSON.stringify({ ...error }).includes(secret),
    )
  })
})
