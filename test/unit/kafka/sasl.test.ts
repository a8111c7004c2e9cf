import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoggedIn } from '../../../src/kafka/kafkajs/session.ts'
import { firstMessage } from '../../../src/kafka/sasl/oauth-bearer.ts'
import { expiryOf } from '../../../src/kafka/sasl/token-source.ts'

test("OAUTHBEARER's first message is that of RFC 7628, with extensions as in KIP-342", () => {
  assert.equal(firstMessage('abc'), 'n,,\x01auth=Bearer abc\x01\x01')
  assert.equal(
    firstMessage('abc', { logicalCluster: 'lkc-1', identityPoolId: 'pool-2' }),
    'n,,\x01auth=Bearer abc\x01logicalCluster=lkc-1\x01identityPoolId=pool-2\x01\x01',
  )
})

test('when a token ends: from a JWT, unknown for any other text', () => {
  const body = (value: unknown) => `h.${Buffer.from(JSON.stringify(value)).toString('base64url')}.s`
  assert.equal(expiryOf(body({ exp: 1_700_000_000 })), 1_700_000_000_000)
  for (const text of ['', 'opaque', 'a.b.c', body(null), body({}), body({ exp: 'soon' })]) {
    assert.equal(expiryOf(text), undefined, text)
  }
})

test('a session without an end stays; one with an end is renewed before it, but not in its first moments', () => {
  const ago = (milliseconds: number): [number, number] => {
    const [seconds, nanoseconds] = process.hrtime()
    const then = seconds * 1000 + nanoseconds / 1e6 - milliseconds
    return [Math.floor(then / 1000), Math.round((then % 1000) * 1e6)]
  }
  const loggedIn = (milliseconds: number, lifetime: number) =>
    isLoggedIn({ authenticatedAt: ago(milliseconds), sessionLifetime: { toString: () => String(lifetime) } })
  assert.equal(isLoggedIn({ authenticatedAt: null, sessionLifetime: { toString: () => '0' } }), false)
  assert.equal(loggedIn(86_400_000, 0), true)
  assert.equal(loggedIn(40_000, 60_000), true)
  assert.equal(loggedIn(52_000, 60_000), false)
  assert.equal(loggedIn(500, 500), true)
})
