import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { SaslEntry } from '../../../src/config/file.ts'
import { saslSettings } from '../../../src/config/kafka-login.ts'
import { Secrets } from '../../../src/config/secrets.ts'
import { ConfigError } from '../../../src/errors.ts'

const before = { ...process.env }
afterEach(() => {
  process.env = { ...before }
})

function login(entry: SaslEntry | undefined, env: Record<string, string> = {}) {
  process.env = { ...before, ...env }
  return saslSettings(new Secrets({ base: '/base', warn: () => {} }), entry, '/base')
}

function refused(entry: SaslEntry | undefined, env: Record<string, string> = {}): ConfigError {
  try {
    login(entry, env)
  } catch (error) {
    assert(error instanceof ConfigError)
    return error
  }
  assert.fail('it was taken')
}

describe('kafka.sasl', () => {
  it('is nothing when nothing says how to log in', () => {
    assert.equal(login(undefined), undefined)
  })

  it('takes user and password from the environment before etl.yaml', () => {
    const entry = { mechanism: 'plain', username: 'a', password: 'from-file' } as const
    assert.deepEqual(login(entry), { mechanism: 'plain', username: 'a', password: 'from-file' })
    const env = {
      ETL_KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
      ETL_KAFKA_USERNAME: 'b',
      ETL_KAFKA_PASSWORD: 'from-env',
    }
    assert.deepEqual(login(entry, env), { mechanism: 'scram-sha-512', username: 'b', password: 'from-env' })
    assert.deepEqual(login(undefined, env), {
      mechanism: 'scram-sha-512',
      username: 'b',
      password: 'from-env',
    })
  })

  it('asks for the password that nobody gave, and for the user', () => {
    assert.equal(refused({ mechanism: 'plain', username: 'a' }).secret, 'password of Kafka user a')
    assert.match(refused({ mechanism: 'plain' }).message, /needs a user name/)
  })

  it('takes tokens from an endpoint or from a file', () => {
    const endpoint = {
      mechanism: 'oauthbearer',
      tokenUrl: 'https://idp/token',
      clientId: 'job',
      clientSecret: 'secret-1',
      scope: 's',
    } as const
    const token = {
      url: 'https://idp/token',
      clientId: 'job',
      clientSecret: 'secret-1',
      scope: 's',
      audience: undefined,
      tls: undefined,
    }
    assert.deepEqual(login(endpoint), { mechanism: 'oauthbearer', token, extensions: undefined })
    const extensions = { logicalCluster: 'lkc-1' }
    assert.deepEqual(login({ mechanism: 'oauthbearer', tokenFile: 't', extensions }), {
      mechanism: 'oauthbearer',
      token: { file: '/base/t' },
      extensions,
    })
    assert.deepEqual(login(endpoint, { ETL_KAFKA_TOKEN_FILE: '/run/token' }), {
      mechanism: 'oauthbearer',
      token: { file: '/run/token' },
      extensions: undefined,
    })
  })

  it('refuses what does not go together', () => {
    const oauth = { mechanism: 'oauthbearer' } as const
    assert.match(refused(oauth).message, /where tokens come from/)
    assert.match(refused({ ...oauth, tokenUrl: 'https://x', tokenFile: 't' }).message, /not from both/)
    assert.match(refused({ ...oauth, tokenUrl: 'https://x' }).message, /client id/)
    assert.match(refused({ ...oauth, tokenUrl: 'http://idp/token' }).message, /https/)
    assert.match(
      refused({ ...oauth, username: 'a' }).message,
      /username does not go with the mechanism oauthbearer/,
    )
    assert.match(
      refused({ mechanism: 'plain', username: 'a', tokenFile: 't' }).message,
      /tokenFile does not go/,
    )
    assert.match(refused(undefined, { ETL_KAFKA_SASL_MECHANISM: 'gssapi' }).message, /does not know "gssapi"/)
  })
})
