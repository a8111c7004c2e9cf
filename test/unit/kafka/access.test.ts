import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessDenied, deniedByCode, missingRight, principalOf } from '../../../src/kafka/access.ts'
import type { KafkaConfig } from '../../../src/kafka/config.ts'
import { Authority } from '../../../src/stack/secure/certificates.ts'

const plain: KafkaConfig = { brokers: ['b1:9092', 'b2:9092'], clientId: 'etl' }
const tls = Authority.create('test').issue({ commonName: 'loader' })

test('who we are: the SASL user before the certificate, the OAuth client, nobody', () => {
  const sasl = { mechanism: 'plain', username: 'etl', password: 'x' } as const
  const token = { url: 'https://x/token', clientId: 'job', clientSecret: 'x' }
  assert.equal(principalOf(plain), undefined)
  assert.equal(principalOf({ ...plain, tls }), 'User:loader')
  assert.equal(principalOf({ ...plain, tls, sasl }), 'User:etl')
  assert.equal(principalOf({ ...plain, sasl: { mechanism: 'oauthbearer', token } }), 'User:job')
  assert.equal(principalOf({ ...plain, sasl: { mechanism: 'oauthbearer', token: { file: 'x' } } }), undefined)
})

test('the line that grants quotes what a shell would take apart', () => {
  const right = { operation: 'Write', resource: 'topic', name: "it's $HOME" } as const
  const sasl = { mechanism: 'plain', username: 'an etl', password: 'x' } as const
  assert.equal(
    accessDenied({ ...plain, sasl }, right, 'writing').next,
    "kafka-acls.sh --bootstrap-server b1:9092 --command-config admin.properties --add --allow-principal 'User:an etl' --operation Write --topic 'it'\\''s $HOME'",
  )
  assert.match(
    String(accessDenied(plain, { operation: 'Create', resource: 'cluster' }, 'x').next),
    /User:NAME --operation Create --cluster$/,
  )
})

test('which right a refused request wants', () => {
  const right = (type: string, api: string) => {
    const { operation, resource } = missingRight(type, api, 'n') ?? {}
    return `${operation} ${resource}`
  }
  assert.equal(right('TOPIC_AUTHORIZATION_FAILED', 'Fetch'), 'Read topic')
  assert.equal(right('TOPIC_AUTHORIZATION_FAILED', 'Metadata'), 'Describe topic')
  assert.equal(right('GROUP_AUTHORIZATION_FAILED', 'GroupCoordinator'), 'Describe group')
  assert.equal(right('GROUP_AUTHORIZATION_FAILED', 'JoinGroup'), 'Read group')
  assert.equal(right('CLUSTER_AUTHORIZATION_FAILED', 'InitProducerId'), 'IdempotentWrite cluster')
  assert.equal(right('TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'EndTxn'), 'Write transactional-id')
  assert.equal(missingRight('NOT_CONTROLLER', 'CreateTopics', 'n'), undefined)
  assert.equal(deniedByCode(plain, 3, { api: 'Fetch', name: 'n', doing: 'reading' }), undefined)
  assert.equal(deniedByCode(plain, 29, { api: 'Fetch', name: 'n', doing: 'reading' })?.code, 'access_denied')
})
