import { X509Certificate } from 'node:crypto'
import type { KafkaConfig } from './config.ts'
import { AccessDeniedError } from './errors.ts'
import { errorName } from './protocol/error-codes.ts'

/** What an ACL allows or denies. `operation` as `kafka-acls.sh` writes it. */
export interface Right {
  readonly operation: string
  readonly resource: 'topic' | 'group' | 'transactional-id' | 'cluster'
  /** Undefined: not known here, or the cluster, of which there is one. */
  readonly name?: string | undefined
}

/** The error for a denied right: who needs which, and the line that grants it. `doing` completes "while …". */
export function accessDenied(
  config: KafkaConfig,
  right: Right,
  doing: string,
  cause?: unknown,
): AccessDeniedError {
  const { operation, resource, name } = right
  const user = principalOf(config)
  const thing = resource === 'cluster' ? 'the cluster' : `${resource.replace('-', ' ')} ${name ?? ''}`.trim()
  return new AccessDeniedError(
    `Kafka denies ${user ?? 'this user'} the operation ${operation} on ${thing}, needed for ${doing}`,
    {
      where: config.brokers.join(', '),
      cause,
      next: grantLine(config, right, user),
    },
  )
}

/** `kafka-acls.sh … --add`, to be run by somebody who may. */
function grantLine(
  { brokers }: KafkaConfig,
  { operation, resource, name }: Right,
  user: string | undefined,
): string {
  const where =
    resource === 'cluster' ? '--cluster' : `--${resource} ${quoted(name ?? resource.toUpperCase())}`
  return `kafka-acls.sh --bootstrap-server ${brokers[0]} --command-config admin.properties --add --allow-principal ${quoted(user ?? 'User:NAME')} --operation ${operation} ${where}`
}

/**
 * The principal that we should be: SASL's user before the certificate's common name. A broker may map names in another
 * way (ssl.principal.mapping.rules), so it is a help for people and nothing else.
 */
export function principalOf({ sasl, tls }: KafkaConfig): string | undefined {
  if (sasl) return userOf(sasl)
  if (tls?.cert === undefined) return undefined
  const subject = new X509Certificate(tls.cert).subject
  const [, name] = /^CN=(.+)$/m.exec(subject) ?? []
  return name === undefined ? undefined : `User:${name}`
}

function userOf(sasl: NonNullable<KafkaConfig['sasl']>): string | undefined {
  if (sasl.mechanism !== 'oauthbearer') return `User:${sasl.username}`
  return 'clientId' in sasl.token ? `User:${sasl.token.clientId}` : undefined
}

function quoted(text: string): string {
  return /^[A-Za-z0-9._:-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** Which right each request wants of a resource, by the type of error that denies it. https://kafka.apache.org/documentation/#operations_in_kafka */
const operations: Readonly<Record<Right['resource'], Readonly<Record<string, string>>>> = {
  topic: {
    Fetch: 'Read',
    Produce: 'Write',
    OffsetCommit: 'Read',
    TxnOffsetCommit: 'Read',
    AddPartitionsToTxn: 'Write',
    CreateTopics: 'Create',
    CreatePartitions: 'Alter',
    DeleteTopics: 'Delete',
    DescribeConfigs: 'DescribeConfigs',
    IncrementalAlterConfigs: 'AlterConfigs',
  },
  group: {
    JoinGroup: 'Read',
    SyncGroup: 'Read',
    Heartbeat: 'Read',
    LeaveGroup: 'Read',
    OffsetCommit: 'Read',
    TxnOffsetCommit: 'Read',
    AddOffsetsToTxn: 'Read',
  },
  'transactional-id': {
    InitProducerId: 'Write',
    AddPartitionsToTxn: 'Write',
    AddOffsetsToTxn: 'Write',
    TxnOffsetCommit: 'Write',
    EndTxn: 'Write',
  },
  cluster: { InitProducerId: 'IdempotentWrite', Produce: 'IdempotentWrite', CreateTopics: 'Create' },
}

const resources: Readonly<Record<string, Right['resource']>> = {
  TOPIC_AUTHORIZATION_FAILED: 'topic',
  GROUP_AUTHORIZATION_FAILED: 'group',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'transactional-id',
  CLUSTER_AUTHORIZATION_FAILED: 'cluster',
}

/** The right that is missing when the request `api` is answered with the error `type`; undefined for other errors. */
export function missingRight(
  type: string | undefined,
  api: string | undefined,
  name?: string,
): Right | undefined {
  const resource = resources[type ?? '']
  if (resource === undefined) return undefined
  return {
    resource,
    operation: operations[resource][api ?? ''] ?? 'Describe',
    name: resource === 'cluster' ? undefined : name,
  }
}

/** The error for the code of a response to the request `api`; undefined when it denies nothing. */
export function deniedByCode(
  config: KafkaConfig,
  code: number,
  { api, name, doing }: { api: string; name: string | undefined; doing: string },
): AccessDeniedError | undefined {
  const right = missingRight(errorName(code), api, name)
  return right && accessDenied(config, right, doing)
}
