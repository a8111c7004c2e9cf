import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  X509Certificate,
} from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stackFolder } from '../state.ts'
import { Authority, type KeyAndCertificate } from './certificates.ts'
import { jwksOf } from './token.ts'

/**
 * Who exists in a secured stack. `admin` is Kafka's super user, `etl` has what etl needs and no more, `guest` may log in and
 * has no rights. `certified` logs in to the databases by its certificate, without a password.
 */
export const userNames = ['admin', 'etl', 'guest', 'certified'] as const
export type UserName = (typeof userNames)[number]

/** Paths of one user's certificate and key, and of its password: one for Kafka, registry, databases and the token endpoint. */
export interface UserFiles {
  readonly cert: string
  readonly key: string
  readonly password: string
}

/** Paths below `.etl/secure`; see docs/security.md. The folder has mode 0700, every file 0600. */
export interface SecureFiles {
  readonly folder: string
  readonly ca: string
  readonly caKey: string
  /** Certificate of all servers: 127.0.0.1, localhost, ::1. */
  readonly serverCert: string
  readonly serverKey: string
  /** The same, key and certificate in one file: what Kafka calls a PEM key store. */
  readonly serverBoth: string
  /** Signs the tokens of the token endpoint; brokers check them with `jwks`. */
  readonly tokenKey: string
  readonly jwks: string
  readonly users: Readonly<Record<UserName, UserFiles>>
}

const serverHosts = ['127.0.0.1', 'localhost', '::1']
/** A certificate that ends sooner is made anew by the next `etl stack up`. Milliseconds. */
const renewBefore = 30 * 86_400_000

export function secureFiles(dir: string): SecureFiles {
  const folder = join(dir, stackFolder, 'secure')
  const file = (name: string) => join(folder, name)
  const user = (name: UserName): UserFiles => ({
    cert: file(`${name}.pem`),
    key: file(`${name}.key`),
    password: file(`${name}.password`),
  })
  return {
    folder,
    ca: file('ca.pem'),
    caKey: file('ca.key'),
    serverCert: file('server.pem'),
    serverKey: file('server.key'),
    serverBoth: file('server-key-and-certificate.pem'),
    tokenKey: file('token.key'),
    jwks: file('jwks.json'),
    users: {
      admin: user('admin'),
      etl: user('etl'),
      guest: user('guest'),
      certified: user('certified'),
    },
  }
}

/** True when the stack in `dir` was made with --secure. */
export function isSecure(dir: string): boolean {
  return existsSync(secureFiles(dir).ca)
}

/** Makes what is missing (authority, certificates, passwords, token key) or about to expire; the rest stays. */
export function prepareSecureFiles(dir: string): SecureFiles {
  const files = secureFiles(dir)
  mkdirSync(files.folder, { recursive: true, mode: 0o700 })
  chmodSync(files.folder, 0o700)
  const authority = authorityOf(files)
  const ca = new X509Certificate(authority.pem.cert)
  if (!isFresh(files.serverCert, ca)) {
    const server = authority.issue({ commonName: 'broker', hosts: serverHosts })
    writeBoth(files.serverCert, files.serverKey, server)
    writeSecret(files.serverBoth, `${server.key}${server.cert}`)
  }
  for (const name of userNames) {
    const user = files.users[name]
    if (!isFresh(user.cert, ca)) writeBoth(user.cert, user.key, authority.issue({ commonName: name }))
    if (!existsSync(user.password)) writeSecret(user.password, randomBytes(24).toString('base64url'))
  }
  if (!existsSync(files.tokenKey)) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    writeSecret(files.tokenKey, privateKey.export({ type: 'pkcs8', format: 'pem' }) as string)
  }
  writeSecret(files.jwks, jwksOf(createPublicKey(createPrivateKey(readFileSync(files.tokenKey, 'utf8')))))
  return files
}

/** The stack's own authority; tests let it issue certificates for users of theirs. */
export function readAuthority(files: SecureFiles): Authority {
  return new Authority({ cert: readFileSync(files.ca, 'utf8'), key: readFileSync(files.caKey, 'utf8') })
}

export function passwordOf(files: SecureFiles, name: UserName): string {
  return readFileSync(files.users[name].password, 'utf8')
}

/** Whole or not at all, readable for the owner only. */
export function writeSecret(file: string, text: string): void {
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, text, { mode: 0o600 })
  renameSync(draft, file)
}

function authorityOf(files: SecureFiles): Authority {
  if (isFresh(files.ca)) return readAuthority(files)
  const authority = Authority.create('etl stack')
  // The key first: `isSecure` looks at the certificate.
  writeBoth(files.ca, files.caKey, authority.pem)
  return authority
}

function writeBoth(cert: string, key: string, pem: KeyAndCertificate): void {
  writeSecret(key, pem.key)
  writeSecret(cert, pem.cert)
}

/** Ends not too soon, and is of this authority: a new one makes every certificate of the old one worthless. */
function isFresh(path: string, authority?: X509Certificate): boolean {
  if (!existsSync(path)) return false
  const certificate = new X509Certificate(readFileSync(path))
  const ends = Date.parse(certificate.validTo)
  return (
    ends - Date.now() > renewBefore && (authority === undefined || certificate.verify(authority.publicKey))
  )
}
