import { pathToFileURL } from 'node:url'
import { loopback } from '../ports.ts'
import type { KafkaListeners } from '../state.ts'
import { passwordOf, type SecureFiles, type UserName } from './files.ts'
import { tokenAudience, tokenIssuer } from './token.ts'

/** Who can log in with a password: PLAIN, SCRAM, and as a client of the token endpoint. */
const passwordUsers: readonly UserName[] = ['admin', 'etl', 'guest']
const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER']
const security = 'org.apache.kafka.common.security'

export interface ListenerPorts {
  readonly saslMtls: number
  readonly controller: number
  readonly sasl: number
  readonly mtls: number
}

export function listenersOf({ mtls, sasl, saslMtls }: ListenerPorts): KafkaListeners {
  const address = (port: number) => `${loopback}:${port}`
  return { mtls: address(mtls), sasl: address(sasl), saslMtls: address(saslMtls) }
}

/**
 * Settings of a broker that lets nobody in without TLS and nobody do what no ACL allows. Brokers and controller talk over
 * TLS, too, as `User:broker`. https://kafka.apache.org/documentation/#security
 */
export function secureProperties(files: SecureFiles, ports: ListenerPorts): Record<string, string> {
  const listeners = {
    MTLS: ports.mtls,
    SASL: ports.sasl,
    SASL_MTLS: ports.saslMtls,
    CONTROLLER: ports.controller,
  }
  const text = (names: object) =>
    Object.entries(names)
      .map(([name, port]) => `${name}://${loopback}:${port}`)
      .join(',')
  const { CONTROLLER: _, ...clients } = listeners
  return {
    listeners: text(listeners),
    'advertised.listeners': text(clients),
    'listener.security.protocol.map': 'MTLS:SSL,SASL:SASL_SSL,SASL_MTLS:SASL_SSL,CONTROLLER:SSL',
    'inter.broker.listener.name': 'MTLS',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': files.serverBoth,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': files.ca,
    'listener.name.mtls.ssl.client.auth': 'required',
    'listener.name.controller.ssl.client.auth': 'required',
    'listener.name.sasl_mtls.ssl.client.auth': 'required',
    // The common name of a certificate is the user.
    'ssl.principal.mapping.rules': 'RULE:^CN=([^,]+).*$/$1/,DEFAULT',
    'sasl.enabled.mechanisms': mechanisms.join(','),
    ...saslProperties(files, 'sasl'),
    ...saslProperties(files, 'sasl_mtls'),
    'sasl.oauthbearer.jwks.endpoint.url': jwksUrl(files),
    'sasl.oauthbearer.expected.issuer': tokenIssuer,
    'sasl.oauthbearer.expected.audience': tokenAudience,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:broker;User:admin',
  }
}

/** Since Kafka 4.0 a broker reads key sets only from where its JVM is told to allow it. */
export function jwksSystemProperties(files: SecureFiles): string[] {
  return [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${jwksUrl(files)}`]
}

/** Arguments of `kafka-storage format` that create the SCRAM users; they belong in a file, not on a command line. */
export function scramArguments(files: SecureFiles): string[] {
  return passwordUsers.flatMap((user) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${user},password=${passwordOf(files, user)}]`,
    ]),
  )
}

function saslProperties(files: SecureFiles, listener: string): Record<string, string> {
  const name = (mechanism: string, key: string) => `listener.name.${listener}.${mechanism}.sasl.${key}`
  const users = passwordUsers.map((user) => `user_${user}="${passwordOf(files, user)}"`)
  return {
    [name('plain', 'jaas.config')]: `${security}.plain.PlainLoginModule required ${users.join(' ')};`,
    [name('scram-sha-256', 'jaas.config')]: `${security}.scram.ScramLoginModule required;`,
    [name('scram-sha-512', 'jaas.config')]: `${security}.scram.ScramLoginModule required;`,
    [name('oauthbearer', 'jaas.config')]: `${security}.oauthbearer.OAuthBearerLoginModule required;`,
    [name('oauthbearer', 'server.callback.handler.class')]:
      `${security}.oauthbearer.OAuthBearerValidatorCallbackHandler`,
  }
}

function jwksUrl(files: SecureFiles): string {
  return pathToFileURL(files.jwks).href
}
