import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { describe, test } from 'node:test'
import { ExitCode } from '../../../src/errors.ts'
import type { KafkaConfig } from '../../../src/kafka/config.ts'
import { Authority, lifetimeOf } from '../../../src/stack/secure/certificates.ts'
import { servers } from '../servers.ts'
import { clusterId, failure } from './clients.ts'
import type { SecureStack } from './stack.ts'

/** Certificates, good and bad. */
export function describeTls(stack: SecureStack): void {
  describe('TLS', () => {
    const hosts = ['127.0.0.1', 'localhost']
    const past = { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') }
    const cases: readonly [string, () => Promise<KafkaConfig>, RegExp][] = [
      [
        'an expired certificate',
        () => stack.impostor(stack.authority.issue({ commonName: 'old', hosts, lifetime: past })),
        /certificate has expired/,
      ],
      [
        'one for another host',
        () => stack.impostor(stack.authority.issue({ commonName: 'x', hosts: ['kafka.example'] })),
        /certificate is for another host/,
      ],
      [
        'one of another authority',
        () => stack.impostor(Authority.create('other').issue({ commonName: 'x', hosts })),
        /not signed by an authority that is trusted here/,
      ],
      [
        'no TLS here, TLS there',
        async () => ({ ...stack.password('plain'), tls: undefined }),
        /(wants|without) TLS/,
      ],
      [
        'TLS here, none there',
        async () => ({ ...stack.withCertificate({}), brokers: servers().kafka }),
        /does not speak TLS on this port/,
      ],
      ['no client certificate', async () => stack.withCertificate({}), /client certificate/],
      [
        'a client certificate of another authority',
        async () => stack.withCertificate(Authority.create('other').issue({ commonName: 'etl' })),
        /client certificate/,
      ],
      [
        'an expired client certificate',
        async () => stack.withCertificate(stack.authority.issue({ commonName: 'etl', lifetime: past })),
        /client certificate/,
      ],
    ]
    for (const [name, config, message] of cases) {
      test(name, async () => {
        const error = await failure(clusterId(await config()))
        assert.match(error.message, message)
        assert.equal(error.code, 'tls')
        assert.equal(error.exitCode, ExitCode.badConfig)
        assert(error.next && error.where)
      })
    }

    test('an encrypted key with its passphrase, and another name of the server', async () => {
      const { cert, key } = stack.authority.issue({ commonName: 'etl', lifetime: lifetimeOf(1) })
      const passphrase = 'correct horse'
      const encrypted = createPrivateKey(key).export({
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase,
      })
      const config = stack.withCertificate(
        { cert, key: encrypted as string },
        { passphrase, serverName: 'localhost' },
      )
      assert.match(await clusterId(config), /^\S{22}$/)
      const wrong = await failure(
        clusterId(stack.withCertificate({ cert, key }, { serverName: 'kafka.example' })),
      )
      assert.match(wrong.message, /for another host/)
    })
  })
}
