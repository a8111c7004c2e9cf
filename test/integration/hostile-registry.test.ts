import assert from 'node:assert/strict'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { after, afterEach, before, describe, it } from 'node:test'
import { EtlError, UnreachableError } from '../../src/errors.ts'
import type { RegistryConfig } from '../../src/schema/registry.ts'
import { openRegistry } from '../../src/schema/registry-client/client.ts'
import type { HttpTimes } from '../../src/schema/registry-client/http.ts'
import { parseRegistered } from '../../src/schema/registry-client/references.ts'
import { Authority, type KeyAndCertificate } from '../../src/stack/secure/certificates.ts'
import { etl, startEtl } from './etl.ts'
import { peakMemory } from './hostile/memory.ts'
import { Workspace } from './workspace.ts'

const json = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
const schema = (text: string) => ({ subject: 's', id: 1, version: 1, schema: text })
const quick: Partial<HttpTimes> = { timeout: 300, firstPause: 5, attempts: 3 }
const day = 86_400_000

/** A stand-in that does what no registry should. */
describe('a registry that is none, or a bad one', { concurrency: false }, () => {
  const work = new Workspace('registry')
  const sockets = new Set<Socket>()
  let server: Server
  let requests = 0
  let answer: RequestListener

  before(async () => {
    server = createServer((request, response) => {
      requests++
      answer(request, response)
    })
    server.on('connection', (socket) => {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  })
  afterEach(() => {
    for (const socket of sockets) socket.destroy()
    requests = 0
  })
  after(async () => {
    server.close()
    await work.remove()
  })

  const address = (of: Server = server) => `127.0.0.1:${(of.address() as AddressInfo).port}`

  async function failure(listener: RequestListener, config: Partial<RegistryConfig> = {}): Promise<EtlError> {
    answer = listener
    const registry = openRegistry({ url: `http://${address()}`, ...config }, quick)
    const error = await registry.latest('s').then(
      () => assert.fail('it was believed'),
      (err: unknown) => err,
    )
    registry.close()
    assert(error instanceof EtlError, String(error))
    assert.match(error.where ?? '', /^https?:\/\/127\.0\.0\.1:\d+$/)
    assert.notEqual(error.next ?? '', '')
    return error
  }
  const why = (error: EtlError) => (error.cause as Error).message

  it('500 and 503, again and again', async () => {
    const error = await failure((_, response) =>
      json(response, 500, { error_code: 50001, message: 'out of luck' }),
    )
    assert.equal(error.exitCode, 5)
    assert.equal(why(error), 'HTTP 500: out of luck (3 attempts)')
    assert.equal(requests, 3)
  })

  it('HTML, text, half a JSON document, and JSON of another kind', async () => {
    for (const body of ['<html><h1>Log in</h1>', '', '{"schema": "', '"text"', '[]', '7', 'null']) {
      const error = await failure((_, response) => response.end(body))
      assert.equal(error.exitCode, 1)
      assert.match(error.message, /answer \(\w+\) is not understood/)
    }
    assert.match(why(await failure((_, response) => response.end(`["${'x'.repeat(5000)}"]`))), /^.{1,600}$/)
  })

  it('JSON that is nested 100,000 levels', async () => {
    const error = await failure((_, response) => response.end(`${'['.repeat(100_000)}${']'.repeat(100_000)}`))
    assert.match(error.message, /is not understood/)
  })

  it('redirects to itself and to others are not followed, and take no password along', async () => {
    const seen: (string | undefined)[] = []
    const other = createServer((request, response) => {
      seen.push(request.headers.authorization)
      response.end()
    })
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done))
    for (const location of ['/subjects/s/versions/latest', `http://${address(other)}/`]) {
      const error = await failure((_, response) => response.writeHead(302, { location }).end(), {
        username: 'u',
        password: 'planted-password',
      })
      assert.match(why(error), /redirects are not followed/)
    }
    other.close()
    assert.equal(requests, 2)
    assert.deepEqual(seen, [])
  })

  it('no answer, headers without a body, and a body that drips', async () => {
    const drip: RequestListener = (_, response) => {
      const timer = setInterval(() => response.write(' '), 20)
      response.on('close', () => clearInterval(timer))
    }
    for (const listener of [
      () => {},
      (_: unknown, response: ServerResponse) => response.flushHeaders(),
      drip,
    ]) {
      const error = await failure(listener)
      assert.equal(error.exitCode, 5)
      assert.equal(why(error), 'no answer within 0.3 s (3 attempts)')
    }
  })

  it('a connection that is closed in the middle', async () => {
    const error = await failure((_, response) => {
      response.write('{"schema":')
      response.socket?.destroy()
    })
    assert.equal(error.exitCode, 5)
    assert.equal(requests, 3)
  })

  it('an endless body costs no memory to speak of, and is fetched once', async () => {
    answer = (_, response) => {
      const block = Buffer.alloc(1 << 20, 32)
      const more = (): void => {
        while (!response.destroyed && response.write(block)) {}
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    }
    const started = startEtl(['schema', 'diff', 's:1', 's:2', '--registry-url', `http://${address()}`])
    const [{ code, stderr }, peak] = await Promise.all([started.output, peakMemory(started)])
    assert.equal(code, 5, stderr)
    assert.match(stderr, /why: {3}the answer is longer than 32 MB/)
    assert.equal(requests, 1)
    assert(peak < 400, `${peak} MB`)
  })

  it('schemas that are none, of another kind, or refer to themselves', async () => {
    for (const text of ['', 'no schema', '{"type":"recrd"}', '"int', `${'['.repeat(100_000)}`]) {
      answer = (_, response) => json(response, 200, schema(text))
      const registry = openRegistry({ url: `http://${address()}` }, quick)
      await assert.rejects(
        async () => parseRegistered(registry, await registry.byId(1), 'schema id 1'),
        (error: EtlError) => error instanceof EtlError && error.exitCode === 2,
      )
      registry.close()
    }
    assert.match(
      (await failure((_, r) => json(r, 200, { ...schema('{}'), schemaType: 'PROTOBUF' }))).message,
      /PROTOBUF; etl reads Avro/,
    )
    // Each version refers to itself, and to the next one.
    answer = ({ url = '' }, response) => {
      const version = Number(url.split('/').at(-1))
      const references = [version, version + 1].map((at) => ({ name: 'x', subject: 's', version: at }))
      json(response, 200, { ...schema('"int"'), version, references })
    }
    const registry = openRegistry({ url: `http://${address()}` }, quick)
    const endless = registry.byId(1).then((found) => parseRegistered(registry, found, 'schema id 1'))
    await assert.rejects(endless, /refers to more than 500 others/).finally(() => registry.close())
  })

  it('a command says what is wrong, with the address and without its password', async () => {
    answer = (_, response) => response.end('<html>')
    const file = work.file('s.avsc', '"int"')
    const env = { ETL_REGISTRY_USERNAME: 'u', ETL_REGISTRY_PASSWORD: 'planted-password' }
    const { code, stdout, stderr } = await etl(
      ['schema', 'register', file, '--subject', 's', '--registry-url', `http://${address()}`],
      { env },
    )
    assert.equal(code, 1)
    assert.match(stderr, /is not understood\n {2}where: http:\/\/127[\s\S]*next: {2}check --registry-url/)
    assert.doesNotMatch(stdout + stderr, /planted/)
  })
})

describe('the registry over HTTPS', { concurrency: false }, () => {
  const authority = Authority.create('registry')
  const ca = authority.pem.cert
  let seen: string | undefined

  async function withServer(
    identity: KeyAndCertificate,
    use: (config: RegistryConfig) => Promise<void>,
    options: object = {},
  ): Promise<void> {
    const server = createHttps({ ...identity, ...options }, (request, response) => {
      seen = request.headers.authorization
      json(response, 200, ['a'])
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    try {
      await use({ url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` })
    } finally {
      server.close()
      server.closeAllConnections()
    }
  }
  async function ask(config: RegistryConfig): Promise<void> {
    const registry = openRegistry(config, quick)
    await registry.subjects().finally(() => registry.close())
  }
  const good = () => authority.issue({ commonName: 'r', hosts: ['127.0.0.1'] })

  it('own authority; basic authentication or a token', async () => {
    await withServer(good(), async ({ url }) => {
      await ask({ url, tls: { ca }, username: 'u', password: 'p:w' })
      assert.equal(seen, `Basic ${Buffer.from('u:p:w').toString('base64')}`)
      await ask({ url, tls: { ca }, token: 'abc' })
      assert.equal(seen, 'Bearer abc')
    })
  })

  it('certificates that do not check out', async () => {
    const lifetime = { notBefore: new Date(Date.now() - 20 * day), notAfter: new Date(Date.now() - day) }
    const cases: [KeyAndCertificate, RegExp, RegistryConfig['tls']][] = [
      [good(), /not signed by an authority that is trusted/, undefined],
      [authority.issue({ commonName: 'r', hosts: ['r.example'] }), /is for another host/, { ca }],
      [authority.issue({ commonName: 'r', hosts: ['127.0.0.1'], lifetime }), /has expired/, { ca }],
    ]
    for (const [identity, message, tls] of cases)
      await withServer(identity, async ({ url }) => {
        await assert.rejects(ask({ url, tls }), (error: EtlError) => {
          assert.match(error.message, message)
          return error.exitCode === 78 && error.where === url && error.next !== undefined
        })
      })
    await withServer(cases[1]?.[0] as KeyAndCertificate, ({ url }) =>
      ask({ url, tls: { ca, serverName: 'r.example' } }),
    )
  })

  it('a client certificate', async () => {
    const options = { requestCert: true, rejectUnauthorized: true, ca }
    await withServer(
      good(),
      async ({ url }) => {
        await ask({ url, tls: { ca, ...authority.issue({ commonName: 'me' }) } })
        await assert.rejects(ask({ url, tls: { ca } }), /wants a client certificate/)
        // Node's server hangs up on it without a word of TLS.
        const stranger = Authority.create('other').issue({ commonName: 'me' })
        await assert.rejects(ask({ url, tls: { ca, ...stranger } }), UnreachableError)
      },
      options,
    )
  })

  it('TLS where there is none, and none where there is TLS', async () => {
    const plain = createServer((_, response) => json(response, 200, []))
    await new Promise<void>((done) => plain.listen(0, '127.0.0.1', done))
    const { port } = plain.address() as AddressInfo
    const asked = ask({ url: `https://127.0.0.1:${port}`, tls: { ca } })
    await assert.rejects(asked, /does not speak TLS/).finally(() => plain.close())
    await withServer(good(), async ({ url }) => {
      await assert.rejects(
        ask({ url: url.replace('https', 'http') }),
        (error: EtlError) => error.exitCode >= 5,
      )
    })
  })
})
