/** How to reach a cluster; the one object that every Kafka part is made from. */
export interface KafkaConfig {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly tls?: TlsConfig | undefined
  readonly sasl?: SaslConfig | undefined
}

export interface TlsConfig {
  /** PEM texts, not paths. */
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly serverName?: string | undefined
}

export interface SaslConfig {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}
