import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ExitCode } from '../../../src/errors.ts'
import { openAdmin } from '../../../src/kafka/open.ts'
import { Authority } from '../../../src/stack/secure/certificates.ts'
import { passwordOf } from '../../../src/stack/secure/files.ts'
import { signToken } from '../../../src/stack/secure/token.ts'
import { readStackState } from '../../../src/stack/state.ts'
import { BrokerProxy } from '../kafka/broker-proxy.ts'
import { clusterId, failure } from './clients.ts'
import type { SecureStack } from './stack.ts'

/** Every way to log in, and every way to be refused. */
export function describeLogins(stack: SecureStack): void {
  describe('logins', () => {
    for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
      test(`${mechanism}: the right password, and a wrong one`, async () => {
        assert.match(await clusterId(stack.password(mechanism)), /^\S{22}$/)
        const refused = await failure(clusterId(stack.password(mechanism, 'Wr0ng-password')))
        assert.equal(refused.code, 'login_refused')
        assert.equal(refused.exitCode, ExitCode.unreachable)
        assert.match(refused.message, /does not let the user etl in/)
        assert.match(String(refused.next), /ETL_KAFKA_PASSWORD/)
        assert.doesNotMatch(`${refused.message}${refused.cause}`, /Wr0ng/)
      })
    }

    test('a session that the broker ends is renewed on the same connection', async () => {
      const endpoint = await stack.tokenEndpoint(3)
      const proxy = new BrokerProxy({ host: '127.0.0.1', port: Number(stack.listeners.sasl.split(':')[1]) })
      const connections = new Set<unknown>()
      proxy.onRequest = (_, connection) => Boolean(connections.add(connection))
      const addressMap = { [stack.listeners.sasl]: `127.0.0.1:${await proxy.listen()}` }
      const admin = openAdmin({ ...stack.login(endpoint.sasl()), addressMap })
      try {
        for (let i = 0; i < 300 && endpoint.issued.length < 3; i++) {
          await admin.clusterId()
          await sleep(50)
        }
        assert(endpoint.issued.length >= 3)
        assert.equal(connections.size, 1)
      } finally {
        await admin.close()
        await proxy.close()
      }
    })

    test('a token from a file, which is read again for each login', async () => {
      const path = stack.write('token', stack.token({ lifetime: 60 }))
      const config = stack.login({ mechanism: 'oauthbearer', token: { file: path } })
      await clusterId(config)
      stack.write('token', stack.token({ lifetime: 60, issuedAt: new Date(Date.now() - 120_000) }))
      const ended = await failure(clusterId(config))
      assert.match(ended.message, /the token for Kafka has expired at \d{4}-/)
      assert.equal(ended.exitCode, ExitCode.unreachable)
      stack.write('token', '')
      assert.match((await failure(clusterId(config))).message, /does not hold a token/)
    })

    test('a token that the broker does not take', async () => {
      const other = createPrivateKey(Authority.create('other').pem.key)
      const tokens = [
        stack.token({ audience: 'another' }),
        signToken(other, { subject: 'etl', lifetime: 300 }),
      ]
      for (const token of tokens) {
        const refused = await failure(
          clusterId(stack.login({ mechanism: 'oauthbearer', token: { file: stack.write('token2', token) } })),
        )
        assert.equal(refused.code, 'login_refused')
        assert.match(refused.message, /Kafka refused the token/)
        assert.match(String(refused.cause), /invalid_token/)
        assert(!`${refused.message}${refused.cause}`.includes(token))
      }
    })

    test('a token endpoint that is down, refuses the client, or is none', async () => {
      const down = await failure(
        clusterId(stack.login(stack.oauth(`https://127.0.0.1:${await stack.closedPort()}/token`))),
      )
      assert.match(down.message, /token endpoint for Kafka does not answer/)
      assert.equal(down.exitCode, ExitCode.unreachable)
      const endpoint = await stack.tokenEndpoint(60)
      const refused = await failure(clusterId(stack.login(endpoint.sasl('Wr0ng-secret'))))
      assert.equal(refused.code, 'login_refused')
      assert.match(refused.message, /gives the client etl no token/)
      assert.match(String(refused.cause), /invalid_client/)
      const gate = readStackState(stack.dir)?.services.gate?.url
      const none = await failure(clusterId(stack.login(stack.oauth(`${gate}/health`))))
      assert.equal(none.exitCode, ExitCode.badConfig)
      const untrusted = stack.oauth(endpoint.url)
      assert('url' in untrusted.token)
      const tls = await failure(
        clusterId(stack.login({ ...untrusted, token: { ...untrusted.token, tls: {} } })),
      )
      assert.equal(tls.code, 'tls')
      assert.match(tls.message, /no token for Kafka: the server's certificate is not signed by an authority/)
    })

    test('a mechanism that the listener does not have, no login at all, and a login nobody asked for', async () => {
      const { files, listeners } = stack
      const password = passwordOf(files, 'etl')
      const certificate = stack.authority.issue({ commonName: 'etl' })
      const sasl = { mechanism: 'plain', username: 'etl', password } as const
      const unknown = await failure(
        clusterId({ ...stack.withCertificate(certificate), brokers: [listeners.saslMtls], sasl }),
      )
      assert.equal(unknown.exitCode, ExitCode.badConfig)
      assert.match(unknown.message, /does not take the SASL mechanism PLAIN/)
      assert.match(String(unknown.next), /scram-sha-512/)
      const missing = await failure(clusterId({ ...stack.login(undefined) }))
      assert.match(missing.message, /Kafka wants a login \(SASL\)/)
      assert.match(String(missing.cause), /PLAIN.*OAUTHBEARER|OAUTHBEARER.*PLAIN/)
      const unasked = await failure(clusterId({ ...stack.withCertificate(certificate), sasl }))
      assert.match(unasked.message, /asks for no login/)
    })
  })
}
