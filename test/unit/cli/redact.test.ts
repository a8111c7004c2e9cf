import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { redact } from '../../../src/cli/redact.ts'

/** Printable and without blanks, as passwords in URLs are; long enough not to be part of the rest by chance. */
const password = fc
  .string({ minLength: 8, maxLength: 30, unit: fc.constantFrom(...'abcXYZ0189:/@?#[]!$&()*+,;=%_-.~') })
  .map((text) => `Q7${text}7Q`)
  .filter((text) => !/[a-z][a-z0-9+.-]*:\/\//i.test(text))

test('no password of a URL is left, whatever characters it has', () => {
  fc.assert(
    fc.property(password, (secret) => {
      const text = redact(`connect to mysql://etl:${secret}@db.example:3306/flights failed`)
      assert.equal(text, 'connect to mysql://etl:***@db.example:3306/flights failed')
    }),
  )
})

test('several URLs in one text keep their hosts', () => {
  const text = 'http://a:one@h1/x and postgres://b:two@h2:5432/y, kafka://c:thr@ee@h3'
  assert.equal(redact(text), 'http://a:***@h1/x and postgres://b:***@h2:5432/y, kafka://c:***@h3')
})

test('passwords in connection strings and headers', () => {
  assert.equal(redact('host=db password=geheim user=etl'), 'host=db password=*** user=etl')
  assert.equal(redact("password='two words' x"), 'password=*** x')
  assert.equal(
    redact('postgres://h/d?sslpassword=geheim&sslmode=require'),
    'postgres://h/d?sslpassword=***&sslmode=require',
  )
  assert.equal(redact('Authorization: Basic ZXRsOmdlaGVpbQ=='), 'Authorization: Basic ***')
})

test('what holds no secret stays as it is', () => {
  for (const text of [
    "Access denied for user 'etl'@'localhost' (using password: YES)",
    'http://127.0.0.1:8081/subjects answered 404',
    'me@example.org: 12:30:00',
    'flights/2@1024',
  ]) {
    assert.equal(redact(text), text)
  }
})

test('time is linear in the text, whatever it is made of', () => {
  // A pattern that tries every start and every end would take hours for these.
  const long = 2_000_000
  for (const piece of ['a', 'a://b:', '://', 'a:', '@', 'password=', 'password="', 'authorization: basic '])
    redact(piece.repeat(long / piece.length))
  assert.equal(redact(`http://a:${'x@:/'.repeat(long / 4)}@h`), 'http://a:***@h')
  assert.equal(redact(`http://a:${'x'.repeat(long)}`).length, long + 9)
})
