import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openSink } from '../../src/sink/open.ts'
import type { SinkConfig } from '../../src/sink/sink.ts'
import { databaseAccount } from '../../src/stack/account.ts'
import { Authority, type KeyAndCertificate } from '../../src/stack/secure/certificates.ts'
import { TlsError, type TlsSettings } from '../../src/tls.ts'
import { kinds } from './databases.ts'
import { etl, etlJson } from './etl.ts'
import { servers } from './servers.ts'
import { type OwnServer, ownServer } from './sink/own-server.ts'
import { Workspace } from './workspace.ts'

const day = 86_400_000
const ago = (days: number) => new Date(Date.now() - days * day)

for (const kind of kinds)
  describe(`TLS to ${kind}`, { concurrency: false }, () => {
    const work = new Workspace(`tls_${kind}`)
    const files = mkdtempSync(join(tmpdir(), 'etl-tls-'))
    const path = (name: string) => join(files, name)
    let authority: Authority
    let other: Authority
    let ca: string
    let server: OwnServer

    /** For the server alone: it refuses a key that others can read. */
    const put = (name: string, text: string) => {
      writeFileSync(path(name), text)
      chmodSync(path(name), 0o600)
      const account = databaseAccount()
      if (account) chownSync(path(name), account.uid, account.gid)
    }
    const serve = async ({ cert, key }: KeyAndCertificate) => {
      put('server.pem', cert)
      put('server.key', key)
      if (server) await server.admin(kind === 'postgres' ? 'SELECT pg_reload_conf()' : 'FLUSH SSL')
    }
    const good = () => authority.issue({ commonName: 'db', hosts: ['127.0.0.1', 'localhost'] })

    before(async () => {
      chmodSync(files, 0o755)
      authority = Authority.create('databases')
      other = Authority.create('strangers')
      ca = authority.pem.cert
      put('ca.pem', ca)
      await serve(good())
      const settings = {
        postgres: [
          'ssl=on',
          `ssl_cert_file=${path('server.pem')}`,
          `ssl_key_file=${path('server.key')}`,
          `ssl_ca_file=${path('ca.pem')}`,
        ],
        mysql: [
          'ssl',
          `ssl-cert=${path('server.pem')}`,
          `ssl-key=${path('server.key')}`,
          `ssl-ca=${path('ca.pem')}`,
        ],
      }
      server = await ownServer(kind, settings[kind])
    })
    after(async () => {
      await server?.dispose()
      rmSync(files, { recursive: true, force: true })
      await work.remove()
    })

    const connect = async (tls: TlsSettings | undefined, config: Partial<SinkConfig> = {}) => {
      const sink = openSink({ ...server.config, ...config, tls })
      await sink.offsets('t', 'g').finally(() => sink.close())
    }
    const refused = async (
      what: RegExp,
      next: RegExp,
      tls: TlsSettings | undefined,
      config?: Partial<SinkConfig>,
    ) => {
      const error = await connect(tls, config).then(
        () => assert.fail('it was let in'),
        (err: unknown) => err,
      )
      assert(error instanceof TlsError, String(error))
      assert.equal(error.exitCode, 78)
      assert.match(error.message, what)
      assert.match(error.next ?? '', next)
      assert.match(error.where ?? '', /127\.0\.0\.1:\d+|localhost/)
    }

    it('own authority, host name and address', async () => {
      await connect({ ca })
      await connect({ ca }, { host: 'localhost' })
    })

    it('an authority that is not known', async () => {
      await refused(/not signed by an authority that is trusted/, /tls\.ca/, {})
      await refused(/not signed by an authority that is trusted/, /tls\.ca/, { ca: other.pem.cert })
    })

    it('a certificate for another host, also when the host is an address', async () => {
      await serve(authority.issue({ commonName: 'db', hosts: ['db.example.org'] }))
      await refused(/is for another host/, /tls\.serverName/, { ca })
      await refused(/is for another host/, /tls\.serverName/, { ca }, { host: 'localhost' })
      await connect({ ca, serverName: 'db.example.org' })
      await serve(authority.issue({ commonName: 'db', hosts: ['localhost'] }))
      await refused(/is for another host/, /tls\.serverName/, { ca })
      await connect({ ca, serverName: 'localhost' })
    })

    it('one that has expired, and one that is not valid yet', async () => {
      const lived = { notBefore: ago(20), notAfter: ago(10) }
      await serve(authority.issue({ commonName: 'db', hosts: ['127.0.0.1'], lifetime: lived }))
      await refused(/has expired/, /renew the certificate/, { ca })
      await connect({ ca, rejectUnauthorized: false })
      const toCome = { notBefore: ago(-10), notAfter: ago(-20) }
      await serve(authority.issue({ commonName: 'db', hosts: ['127.0.0.1'], lifetime: toCome }))
      await refused(/is not valid yet/, /clock/, { ca })
      await serve(good())
    })

    it('NODE_TLS_REJECT_UNAUTHORIZED=0 switches nothing off', async () => {
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
      await refused(/not signed by an authority that is trusted/, /tls\.ca/, {}).finally(() => {
        delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
      })
    })

    it('a server without TLS is not spoken to', async () => {
      await refused(/does not speak TLS/, /switch TLS on at the server/, { ca }, servers()[kind])
    })

    it('a server that wants TLS, and a client certificate', async () => {
      const client = authority.issue({ commonName: 'etl' })
      const stranger = other.issue({ commonName: 'etl' })
      if (kind === 'postgres') {
        const access = join(server.data, 'data', 'pg_hba.conf')
        const before = readFileSync(access, 'utf8')
        writeFileSync(
          access,
          'local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n',
        )
        await server.admin('SELECT pg_reload_conf()')
        await refused(/does not let anyone in without TLS/, /tls: true/, undefined)
        await refused(/wants a client certificate/, /tls\.cert and tls\.key/, { ca })
        await refused(
          /does not accept the client certificate/,
          /signed by an authority that the server trusts/,
          { ca, ...stranger },
        )
        await connect({ ca, ...client })
        writeFileSync(access, before)
        await server.admin('SELECT pg_reload_conf()')
      } else {
        await server.admin("ALTER USER 'etl'@'127.0.0.1' REQUIRE X509")
        await assert.rejects(connect({ ca }), /does not let this user in/)
        await refused(
          /does not accept the client certificate/,
          /signed by an authority that the server trusts/,
          { ca, ...stranger },
        )
        await connect({ ca, ...client })
        // The administrator of the test comes without TLS: this stays on for the rest.
        await server.admin(
          "ALTER USER 'etl'@'127.0.0.1' REQUIRE NONE",
          'SET GLOBAL require_secure_transport = ON',
        )
        await refused(/does not let anyone in without TLS/, /tls: true/, undefined)
      }
    })

    it('a whole job, everything from the environment and the URL', async () => {
      const { host, port, user, password, database } = server.config
      const topic = work.topic('job')
      const schema = work.schema('job', [{ name: 'id', type: 'int' }])
      const url = `${kind}://${user}@${host}:${port}/${database}?sslmode=verify-full&sslrootcert=${path('ca.pem')}`
      const env = { ETL_SINK_PASSWORD: password }
      await etlJson(['apply', '-t', topic, '--schema', schema, '-s', url], { env })
      await etlJson(['produce', '-t', topic, '--generate', '500'])
      assert.equal((await etlJson(['consume', '-t', topic, '-s', url, '--until-end'], { env })).written, 500)
      assert.equal((await etl(['verify-offsets', '-t', topic, '-s', url], { env })).code, 0)
      const wrong = await etl(['verify-offsets', '-t', topic, '-s', url.replace(/&sslrootcert.*/, '')], {
        env,
      })
      assert.equal(wrong.code, 78, wrong.stderr)
      assert.match(
        wrong.stderr,
        /not signed by an authority that is trusted here[\s\S]*next: {2}name the authority/,
      )
    })
  })
