import { readFile } from 'node:fs/promises'
import { Flags } from '@oclif/core'
import { UsageError } from '../errors.ts'

/** Flags that several commands share; names, environment variables and texts are the same everywhere. */

export const configFlag = {
  config: Flags.string({
    char: 'c',
    description: 'configuration file; default: the nearest etl.yaml',
    env: 'ETL_CONFIG',
    helpValue: 'FILE',
  }),
}

export const kafkaFlags = {
  ...configFlag,
  brokers: Flags.string({
    char: 'b',
    description: 'Kafka brokers, with commas between them',
    env: 'ETL_BROKERS',
    helpValue: 'HOST:PORT',
  }),
}

export const registryFlags = {
  'registry-url': Flags.string({
    description: 'schema registry, Confluent-compatible API',
    env: 'ETL_REGISTRY_URL',
    helpValue: 'URL',
  }),
}

export const topicFlag = Flags.string({
  char: 't',
  description: 'topic, or the name of a dataset in etl.yaml',
  env: 'ETL_TOPIC',
  required: true,
  helpValue: 'TOPIC',
})

const sinkOptions = {
  char: 's',
  description: 'database: a name (postgres, mysql, or one of etl.yaml) or a URL without password',
  helpValue: 'NAME|URL',
} as const

/** One database. */
export const sinkFlag = Flags.string({ ...sinkOptions, env: 'ETL_SINK' })

/** One database or several. */
export const sinksFlag = Flags.string({ ...sinkOptions, multiple: true })

/** A length of time such as `500ms`, `60s`, `5m`, `1h`; milliseconds. A bare number is refused: it says no unit. */
export const durationFlag = Flags.custom<number>({
  helpValue: '60s',
  parse: async (input) => {
    const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(input) ?? []
    if (amount === undefined || unit === undefined)
      throw new UsageError(`"${input}" is not a length of time`, {
        next: 'a number with ms, s, m or h: 500ms, 60s, 5m',
      })
    return Number(amount) * { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[unit as 'ms' | 's' | 'm' | 'h']
  },
})

/** The text of the schema file; without a file the registry's latest schema is the table's. Throws UsageError. */
export async function tableSchema(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  return await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UsageError('the schema file cannot be read', {
      where: path,
      cause,
      next: "the path of an Avro schema, or no --schema: the registry's latest",
    })
  })
}
