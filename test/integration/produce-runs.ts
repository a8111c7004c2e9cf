import { setTimeout as delay } from 'node:timers/promises'
import avsc from 'avsc'
import type { KafkaAdmin } from '../../src/kafka/admin.ts'
import type { KafkaConfig } from '../../src/kafka/config.ts'
import { openAdmin, openPartitionReader } from '../../src/kafka/open.ts'
import { type Output, type Started, startEtl } from './etl.ts'

export const rowFields = [
  { name: 'key', type: 'string' },
  { name: 'id', type: 'long' },
]
const rowType = avsc.Type.forSchema({ type: 'record', name: 'Row', fields: rowFields } as avsc.Schema)

export interface LoggedRow {
  readonly key: string | null
  readonly id: number
}

/** The record of an id: half of them have one of three hot keys. */
export function keyOf(id: number): string {
  return id % 2 === 0 ? `hot-${(id / 2) % 3}` : `cold-${id}`
}

export function ndjson(from: number, to: number): string {
  let text = ''
  for (let id = from; id < to; id++) text += `{"key":"${keyOf(id)}","id":${id}}\n`
  return text
}

/** A topic of a cluster as tests of resumable runs look at it. */
export class WatchedTopic {
  readonly name: string
  readonly #kafka: KafkaConfig
  readonly #admin: KafkaAdmin

  constructor(kafka: KafkaConfig, name: string) {
    this.#kafka = kafka
    this.#admin = openAdmin(kafka)
    this.name = name
  }

  async create(partitions = 4): Promise<void> {
    await this.#admin.createTopic({ name: this.name, partitions, replicationFactor: -1, config: new Map() })
  }

  async recreate(): Promise<void> {
    await this.#admin.deleteTopic(this.name)
    await this.create()
  }

  /** Offsets that are taken, whoever's they are and whatever became of them. */
  async length(): Promise<bigint> {
    return [...(await this.#admin.endOffsets(this.name)).values()].reduce((sum, end) => sum + end, 0n)
  }

  /** Resolves when something was appended since the log was `length` long, or the process has ended. */
  async grown(length: bigint, { child }: Started): Promise<void> {
    while (child.exitCode === null && child.signalCode === null && (await this.length()) === length)
      await delay(2)
  }

  /** Keys and values of committed records, by partition, in log order. */
  async bytes(): Promise<[Buffer | null, Buffer][][]> {
    const reader = openPartitionReader(this.#kafka)
    const log: [Buffer | null, Buffer][][] = []
    try {
      for (const [partition, end] of await this.#admin.endOffsets(this.name)) {
        const read: [Buffer | null, Buffer][] = []
        for await (const { records } of reader.read({ topic: this.name, partition }, 0n, end)) {
          for (const { key, value } of records) read.push([key && Buffer.from(key), Buffer.from(value ?? [])])
        }
        log[partition] = read
      }
      return log
    } finally {
      await reader.close()
    }
  }

  async rows(): Promise<LoggedRow[][]> {
    return (await this.bytes()).map((records) =>
      records.map(([key, value]) => ({
        key: key?.toString() ?? null,
        id: rowType.fromBuffer(value.subarray(5)).id as number,
      })),
    )
  }

  async close(): Promise<void> {
    await this.#admin.close()
  }
}

export interface KilledRuns {
  readonly kills: number
  readonly last: Output
}

/**
 * Runs the command again and again and kills it (SIGKILL) at some moment after its first records, with another number of
 * threads each time; the run after the last kill is left alone.
 */
export async function runWithKills(
  topic: WatchedTopic,
  args: readonly string[],
  maxKills: number,
  env: Readonly<Record<string, string>> = {},
): Promise<KilledRuns> {
  const start = (run: number) =>
    startEtl([...args, '--resume', '--json', '--threads', String([3, 1, 4, 2][run % 4])], { env })
  let kills = 0
  for (let run = 0; run < maxKills; run++) {
    const length = await topic.length()
    const started = start(run)
    await topic.grown(length, started)
    // Not always in the first transaction.
    await delay(Math.random() * 40 * run)
    started.child.kill('SIGKILL')
    const output = await started.output
    if (output.signal !== 'SIGKILL') return { kills, last: output }
    kills++
  }
  return { kills, last: await start(maxKills).output }
}
