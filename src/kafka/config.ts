import type { TlsSettings } from '../tls.ts'

/** How to reach a cluster; the one object that every Kafka part is made from. */
export interface KafkaConfig {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly tls?: TlsSettings | undefined
  readonly sasl?: SaslConfig | undefined
  /**
   * Where to connect instead of an address that is configured or that a broker advertises, both as `host:port`: SSH tunnels,
   * port forwards, the proxies of `etl chaos`. TLS goes on checking the certificate against the original host.
   */
  readonly addressMap?: Readonly<Record<string, string>> | undefined
}

export type SaslConfig = PasswordSasl | OAuthSasl

export interface PasswordSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

/** KIP-255, KIP-768. Plain data: every thread gets tokens of its own. */
export interface OAuthSasl {
  readonly mechanism: 'oauthbearer'
  readonly token: TokenEndpoint | TokenFile
  /** SASL extensions (KIP-342): `logicalCluster`, `identityPoolId`, … */
  readonly extensions?: Readonly<Record<string, string>> | undefined
}

/** Where a token is asked for with the client-credentials grant (RFC 6749, section 4.4). */
export interface TokenEndpoint {
  readonly url: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scope?: string | undefined
  /** Some servers want to know for whom the token is. */
  readonly audience?: string | undefined
  readonly tls?: TlsSettings | undefined
}

/** A file that somebody keeps fresh: a projected Kubernetes token, a workload identity. Read before each login. */
export interface TokenFile {
  readonly file: string
}
