import { join } from 'node:path'
import { stringify } from 'yaml'
import type { KafkaState, StackServices } from '../state.ts'
import { type SecureFiles, writeSecret } from './files.ts'
import { tokenPath } from './gate-server.ts'

/** The configuration that every command takes from a secured stack by itself: client certificate and SCRAM. */
export function defaultConfig(files: SecureFiles): string {
  return join(files.folder, 'etl.yaml')
}

/**
 * One complete etl.yaml for each way into the cluster, beside the certificates: `etl.yaml` (client certificate and SCRAM),
 * `mtls.yaml`, `plain.yaml`, `scram.yaml`, `oauth.yaml`. They name the files with the secrets and hold none. Returns their paths.
 */
export function writeConfigFiles(files: SecureFiles, services: StackServices): string[] {
  const kafkas = services.kafka?.listeners
    ? kafkaSections(files, services.kafka, services)
    : { etl: undefined }
  return Object.entries(kafkas).map(([name, kafka]) => {
    const path = join(files.folder, `${name}.yaml`)
    const document = { ...(kafka ? { kafka } : {}), ...otherSections(files, services) }
    writeSecret(path, `# Written by etl stack up --secure.\n${stringify(document)}`)
    return path
  })
}

function kafkaSections(
  files: SecureFiles,
  kafka: KafkaState,
  { gate }: StackServices,
): Record<string, object> {
  const { mtls = '', sasl = '', saslMtls = '' } = kafka.listeners ?? {}
  const user = files.users.etl
  const tls = { ca: files.ca }
  const certificate = { ...tls, cert: user.cert, key: user.key }
  const login = (mechanism: string) => ({ mechanism, username: 'etl', passwordFile: user.password })
  const oauth = {
    mechanism: 'oauthbearer',
    tokenUrl: `${gate?.url}${tokenPath}`,
    clientId: 'etl',
    clientSecretFile: user.password,
    ca: files.ca,
  }
  return {
    etl: { brokers: [saslMtls], tls: certificate, sasl: login('scram-sha-512') },
    mtls: { brokers: [mtls], tls: certificate },
    plain: { brokers: [sasl], tls, sasl: login('plain') },
    scram: { brokers: [sasl], tls, sasl: login('scram-sha-256') },
    ...(gate ? { oauth: { brokers: [sasl], tls, sasl: oauth } } : {}),
  }
}

function otherSections(files: SecureFiles, { registry, gate, mysql, postgres }: StackServices): object {
  const passwordFile = files.users.etl.password
  const tls = { ca: files.ca }
  const sink = (
    scheme: string,
    database: { port: number; user: string; host: string; database: string },
  ) => ({
    url: `${scheme}://${database.user}@${database.host}:${database.port}/${database.database}`,
    passwordFile,
    tls,
  })
  const sinks = {
    ...(postgres ? { postgres: sink('postgres', postgres) } : {}),
    ...(mysql ? { mysql: sink('mysql', mysql) } : {}),
  }
  return {
    ...(registry && gate ? { registry: { url: registry.url, username: 'etl', passwordFile, tls } } : {}),
    ...(Object.keys(sinks).length > 0 ? { sinks } : {}),
  }
}
