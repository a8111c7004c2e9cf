import { Flags } from '@oclif/core'
import { type Context, type Dataset, groupOf, type NamedSink } from '../config/context.ts'
import { InputError, UsageError } from '../errors.ts'
import type { LetterQuery } from '../sink/letters.ts'
import { configFlag, durationFlag, sinkFlag, topicFlag } from './flags.ts'

/** An offset; digits beyond 2^53 stay exact. */
const offsetFlag = Flags.custom<bigint>({
  helpValue: 'N',
  parse: async (input) => {
    if (/^\d{1,19}$/.test(input)) return BigInt(input)
    throw new UsageError(`"${input}" is not an offset`, { next: 'a whole number, as etl dlq list has it' })
  },
})

/** Where letters are. */
export const lettersOfFlags = {
  ...configFlag,
  sink: sinkFlag,
  group: Flags.string({
    char: 'g',
    description: 'consumer group; default: as etl consume names it',
    env: 'ETL_GROUP',
  }),
}

/** Which letters of a topic are meant. */
export const letterFilterFlags = {
  topic: topicFlag,
  ...lettersOfFlags,
  partition: Flags.integer({ char: 'p', description: 'only of this partition', multiple: true, min: 0 }),
  offset: offsetFlag({ description: 'only this offset' }),
  class: Flags.option({
    options: ['decode', 'schema', 'data', 'constraint', 'conflict'] as const,
    description: 'only of this class: decode, schema, data, constraint, conflict',
    multiple: true,
    helpValue: 'CLASS',
  })(),
  since: durationFlag({ description: 'only letters that are not older, e.g. 24h' }),
}

export interface LetterFilters {
  readonly group?: string | undefined
  readonly partition?: readonly number[] | undefined
  readonly offset?: bigint | undefined
  readonly class?: readonly string[] | undefined
  readonly since?: number | undefined
}

export function lettersOf(
  context: Context,
  topic: string,
  flags: { readonly sink?: string | undefined; readonly group?: string | undefined },
): { readonly dataset: Dataset; readonly sink: NamedSink; readonly group: string } {
  const dataset = context.dataset(topic)
  const sink = context.oneSink(flags.sink, dataset)
  return { dataset, sink, group: flags.group ?? groupOf(dataset, sink.config) }
}

export function queryOf(
  topic: string,
  group: string,
  flags: LetterFilters,
): Omit<LetterQuery, 'state' | 'attemptsBelow'> {
  return {
    topic,
    group,
    partitions: flags.partition,
    offset: flags.offset,
    errorClasses: flags.class,
    since: flags.since === undefined ? undefined : new Date(Date.now() - flags.since),
  }
}

/** A place in a topic as errors and lists write it. Throws UsageError. */
export function parsePlace(text: string): { topic: string; partition: number; offset: bigint } {
  const [, topic, partition, offset] = /^([^/]+)\/(\d{1,9})\/(\d{1,19})$/.exec(text) ?? []
  if (topic === undefined || partition === undefined || offset === undefined)
    throw new UsageError(`"${text}" is not TOPIC/PARTITION/OFFSET`, { next: 'etl dlq show flights/0/42' })
  return { topic, partition: Number(partition), offset: BigInt(offset) }
}

export function noSuchLetter(place: string, sink: string, group: string): InputError {
  return new InputError('there is no such dead letter', {
    where: `${place} in ${sink}, group ${group}`,
    next: `etl dlq list --topic ${place.split('/')[0]} --sink ${sink} --state all`,
  })
}
