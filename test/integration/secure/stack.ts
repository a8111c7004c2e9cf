import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import type { KafkaConfig, OAuthSasl } from '../../../src/kafka/config.ts'
import { stackDown } from '../../../src/stack/down.ts'
import { pickPort } from '../../../src/stack/ports.ts'
import type { Authority, KeyAndCertificate } from '../../../src/stack/secure/certificates.ts'
import { passwordOf, readAuthority, type SecureFiles, secureFiles } from '../../../src/stack/secure/files.ts'
import { type Grant, grant } from '../../../src/stack/secure/kafka-acls.ts'
import { signToken, type TokenClaims } from '../../../src/stack/secure/token.ts'
import { answerTokenRequest } from '../../../src/stack/secure/token-endpoint.ts'
import {
  type KafkaListeners,
  readStackState,
  type ServiceName,
  servicesOf,
  stateFile,
} from '../../../src/stack/state.ts'
import { stackUp } from '../../../src/stack/up.ts'
import type { TlsSettings } from '../../../src/tls.ts'

/** A secured stack of its own in a new folder, and ways into it, good and bad. */
export class SecureStack {
  readonly dir = realpathSync(mkdtempSync(join(tmpdir(), 'etl-secure-')))
  readonly #servers: Server[] = []

  async up(kafkaProperties: Record<string, string>): Promise<void> {
    const reporter = { note: () => {}, download: () => {}, ready: () => {} }
    const { dir } = this
    await stackUp({
      dir,
      services: servicesOf(false),
      ports: await freePorts(),
      fast: true,
      secure: true,
      kafkaProperties,
      reporter,
    })
  }

  async down(): Promise<void> {
    for (const server of this.#servers) server.close()
    await stackDown({ dir: this.dir, services: servicesOf(true), purge: true, note: () => {} })
    rmSync(this.dir, { recursive: true, force: true })
  }

  get files(): SecureFiles {
    return secureFiles(this.dir)
  }

  get authority(): Authority {
    return readAuthority(this.files)
  }

  get ca(): string {
    return readFileSync(this.files.ca, 'utf8')
  }

  get listeners(): KafkaListeners {
    const listeners = readStackState(this.dir)?.services.kafka?.listeners
    assert(listeners)
    return listeners
  }

  /** For the command line: this stack, whatever folder it runs in. */
  get env(): Record<string, string> {
    return { ETL_STACK_STATE: stateFile(this.dir) }
  }

  /** A file in the stack's folder, for its owner only; returns its path. */
  write(name: string, text: string): string {
    const path = join(this.dir, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }

  /** By SASL over TLS. */
  login(sasl: KafkaConfig['sasl'], brokers = [this.listeners.sasl]): KafkaConfig {
    return { brokers, clientId: 'test', tls: { ca: this.ca }, sasl }
  }

  password(mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512', password = passwordOf(this.files, 'etl')) {
    return this.login({ mechanism, username: 'etl', password })
  }

  /** By certificate. */
  withCertificate(certificate: Partial<KeyAndCertificate>, tls: TlsSettings = {}): KafkaConfig {
    return { brokers: [this.listeners.mtls], clientId: 'test', tls: { ca: this.ca, ...certificate, ...tls } }
  }

  /** A new user with these rights and no others. */
  async user(name: string, grants: readonly Omit<Grant, 'user'>[]): Promise<KafkaConfig> {
    await this.grant(name, grants)
    return this.withCertificate(this.authority.issue({ commonName: name }))
  }

  async grant(user: string, grants: readonly Omit<Grant, 'user'>[]): Promise<void> {
    const { port } = new URL(`tcp://${this.listeners.mtls}`)
    if (grants.length > 0) {
      await grant(
        Number(port),
        this.files,
        grants.map((one) => ({ user, ...one })),
      )
    }
  }

  token(claims: Partial<TokenClaims>): string {
    const key = createPrivateKey(readFileSync(this.files.tokenKey, 'utf8'))
    return signToken(key, { subject: 'etl', lifetime: 300, ...claims })
  }

  /** A token endpoint that counts; `lifetime` of its tokens in seconds. */
  async tokenEndpoint(lifetime: number) {
    const issued: string[] = []
    const options = { cert: readFileSync(this.files.serverCert), key: readFileSync(this.files.serverKey) }
    const server = createHttpsServer(options, (request, response) => {
      void answerTokenRequest(request, response, {
        secretOf: () => passwordOf(this.files, 'etl'),
        issue: (subject) => {
          issued.push(subject)
          return { token: this.token({ subject, lifetime }), lifetime }
        },
      })
    })
    const url = `https://127.0.0.1:${await this.listen(server)}/token`
    return { issued, url, sasl: (secret?: string) => this.oauth(url, secret) }
  }

  oauth(url: string, clientSecret = passwordOf(this.files, 'etl')): OAuthSasl {
    return { mechanism: 'oauthbearer', token: { url, clientId: 'etl', clientSecret, tls: { ca: this.ca } } }
  }

  /** Something that has this certificate and nothing to say. */
  async impostor(certificate: KeyAndCertificate): Promise<KafkaConfig> {
    const server = createTlsServer(certificate, (socket) => socket.on('error', () => socket.destroy()))
    const port = await this.listen(server)
    return { brokers: [`127.0.0.1:${port}`], clientId: 'test', tls: { ca: this.ca } }
  }

  /** A port of this machine that nobody listens on. */
  async closedPort(): Promise<number> {
    const server = createServer()
    const port = await this.listen(server)
    await new Promise((resolve) => server.close(resolve))
    return port
  }

  async listen(server: Server): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.#servers.push(server)
    return (server.address() as AddressInfo).port
  }
}

/** Far from the usual ones, which other stacks of this machine look for at the same time. */
async function freePorts(): Promise<Partial<Record<ServiceName, number>>> {
  const taken = new Set<number>()
  const first = 20_000 + Math.floor(Math.random() * 1000) * 10
  const ports = servicesOf(true).map(
    async (name, i) => [name, await pickPort(first + i * 10, taken)] as const,
  )
  return Object.fromEntries(await Promise.all(ports))
}
