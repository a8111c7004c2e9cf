import { readFileSync } from 'node:fs'
import { exchange } from '../exchange.ts'
import type { SecureFiles } from './files.ts'

/** Numbers of Kafka's ResourceType, PatternType and AclOperation. */
const resourceTypes = { topic: 2, group: 3, cluster: 4, transactionalId: 5 } as const
const patternTypes = { literal: 3, prefixed: 4 } as const
const operations = {
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  describeConfigs: 10,
  alterConfigs: 11,
  idempotentWrite: 12,
} as const
const createAcls = 30
const allow = 3

/** A right that `User:<user>` has from any host. */
export interface Grant {
  readonly user: string
  readonly resource: keyof typeof resourceTypes
  /** `*`: all of them. */
  readonly name: string
  /** default: literal */
  readonly pattern?: keyof typeof patternTypes
  readonly operations: readonly (keyof typeof operations)[]
}

/**
 * All that `etl` asks of a cluster, and no more: topics made, changed, written and read, its groups, and the transactions of
 * `etl produce --resume`. Describe and DescribeConfigs come along with these. docs/security.md explains each.
 */
export const grantsOfEtl: readonly Grant[] = [
  {
    user: 'etl',
    resource: 'topic',
    name: '*',
    operations: ['read', 'write', 'create', 'alter', 'alterConfigs'],
  },
  { user: 'etl', resource: 'group', name: '*', operations: ['read'] },
  {
    user: 'etl',
    resource: 'transactionalId',
    name: 'etl',
    pattern: 'prefixed',
    operations: ['write'],
  },
]

/** Adds rights as `admin`, over the listener for certificates. A right that is there already stays; CreateAcls v1 of Kafka's protocol. */
export async function grant(port: number, files: SecureFiles, grants: readonly Grant[]): Promise<void> {
  const creations = grants.flatMap((one) => one.operations.map((operation) => creationOf(one, operation)))
  const count = Buffer.alloc(4)
  count.writeInt32BE(creations.length)
  const header = Buffer.concat([int16(createAcls), int16(1), Buffer.from([0, 0, 0, 1]), text('etl-stack')])
  const body = Buffer.concat([header, count, ...creations])
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  const admin = files.users.admin
  const tls = {
    ca: readFileSync(files.ca),
    cert: readFileSync(admin.cert),
    key: readFileSync(admin.key),
  }
  const whole = (received: Buffer) => received.length >= 4 && received.length >= 4 + received.readInt32BE(0)
  const answer = await exchange(port, Buffer.concat([size, body]), whole, { tls, timeout: 10_000 })
  // size, correlation id, throttle time, then an array of error code and message
  for (let i = 0, at = 16; i < answer.readInt32BE(12); i++) {
    const code = answer.readInt16BE(at)
    const length = Math.max(answer.readInt16BE(at + 2), 0)
    if (code !== 0) {
      throw new Error(
        `Kafka refused a right: ${answer.toString('utf8', at + 4, at + 4 + length) || `error ${code}`}`,
      )
    }
    at += 4 + length
  }
}

function creationOf(
  { user, resource, name, pattern = 'literal' }: Grant,
  operation: keyof typeof operations,
): Buffer {
  return Buffer.concat([
    Buffer.from([resourceTypes[resource]]),
    text(name),
    Buffer.from([patternTypes[pattern]]),
    text(`User:${user}`),
    text('*'),
    Buffer.from([operations[operation], allow]),
  ])
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function text(value: string): Buffer {
  return Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)])
}
