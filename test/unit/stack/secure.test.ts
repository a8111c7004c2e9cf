import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, verify, X509Certificate } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError } from '../../../src/errors.ts'
import { Authority, lifetimeOf } from '../../../src/stack/secure/certificates.ts'
import { isSecure, passwordOf, prepareSecureFiles, secureFiles } from '../../../src/stack/secure/files.ts'
import { secureStack } from '../../../src/stack/secure/secure-stack.ts'
import { jwksOf, signToken } from '../../../src/stack/secure/token.ts'
import { temporaryFolder } from './temporary-folder.ts'

test('a certificate is for its hosts, of its authority, and has its dates', () => {
  const authority = Authority.create('test')
  const lifetime = lifetimeOf(10, Date.parse('2030-01-01T00:00:00Z'))
  const { cert, key } = authority.issue({ commonName: 'x', hosts: ['127.0.0.1', 'kafka.example'], lifetime })
  const certificate = new X509Certificate(cert)
  const issuer = new X509Certificate(authority.pem.cert)
  assert(issuer.ca && !certificate.ca)
  assert(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey))
  assert.equal(certificate.subject, 'CN=x')
  assert.equal(certificate.checkIP('127.0.0.1'), '127.0.0.1')
  assert.equal(certificate.checkHost('kafka.example'), 'kafka.example')
  assert.equal(certificate.checkHost('localhost'), undefined)
  assert.equal(new Date(certificate.validFrom).toISOString(), '2029-12-31T23:00:00.000Z')
  assert.equal(new Date(certificate.validTo).toISOString(), '2030-01-11T00:00:00.000Z')
  assert(certificate.checkPrivateKey(createPrivateKey(key)))
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
  const client = new X509Certificate(authority.issue({ commonName: 'client' }).cert)
  assert.deepEqual(client.keyUsage, ['1.3.6.1.5.5.7.3.2'])
  assert(!certificate.verify(new X509Certificate(Authority.create('test').pem.cert).publicKey))
})

test('an authority that was read from its files goes on issuing', () => {
  const { pem } = Authority.create('kept')
  const certificate = new X509Certificate(new Authority(pem).issue({ commonName: 'x' }).cert)
  assert(certificate.checkIssued(new X509Certificate(pem.cert)))
})

test('the files of a secured stack are made once, closed to others, and made anew with a new authority', () => {
  const dir = temporaryFolder()
  assert.equal(isSecure(dir), false)
  const files = prepareSecureFiles(dir)
  assert.equal(isSecure(dir), true)
  assert.equal(statSync(files.folder).mode & 0o777, 0o700)
  const names = readdirSync(files.folder)
  for (const name of names) assert.equal(statSync(join(files.folder, name)).mode & 0o777, 0o600, name)
  const content = () => names.map((name) => readFileSync(join(files.folder, name), 'utf8'))
  const first = content()
  assert.deepEqual(prepareSecureFiles(dir), files)
  assert.deepEqual(content(), first)
  assert.notEqual(passwordOf(files, 'etl'), passwordOf(files, 'guest'))
  assert.match(passwordOf(files, 'etl'), /^[\w-]{32}$/)

  rmSync(files.ca)
  prepareSecureFiles(dir)
  const authority = new X509Certificate(readFileSync(files.ca))
  for (const cert of [files.serverCert, files.users.etl.cert]) {
    assert(new X509Certificate(readFileSync(cert)).verify(authority.publicKey), cert)
  }
})

test('an open stack with data is not turned into a secured one; a secured one stays so', () => {
  const dir = temporaryFolder()
  assert.equal(secureStack(dir, false, undefined), undefined)
  assert.throws(() => secureStack(dir, true, 'kafka'), ConfigError)
  assert.equal(secureFiles(dir).folder, secureStack(dir, true, undefined)?.folder)
  mkdirSync(join(dir, '.etl', 'kafka'))
  assert.equal(secureFiles(dir).folder, secureStack(dir, false, 'kafka')?.folder)
})

test('a token is signed so that the key set verifies it', () => {
  const key = createPrivateKey(Authority.create('tokens').pem.key)
  const token = signToken(key, { subject: 'etl', lifetime: 60, issuedAt: new Date(5_000_500) })
  const [header = '', body = '', signature = ''] = token.split('.')
  const decoded = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
  const { keys } = JSON.parse(jwksOf(createPublicKey(key)))
  assert.equal(decoded(header).kid, keys[0].kid)
  assert.equal(keys[0].d, undefined, 'no private part')
  const { jti, ...claims } = decoded(body)
  assert.match(jti, /^[0-9a-f-]{36}$/)
  assert.deepEqual(claims, { iss: 'etl-stack', aud: 'kafka', sub: 'etl', iat: 5000, exp: 5060 })
  const publicKey = createPublicKey({ key: keys[0], format: 'jwk' })
  const signed = Buffer.from(`${header}.${body}`)
  const bytes = Buffer.from(signature, 'base64url')
  assert(verify('sha256', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes))
})
