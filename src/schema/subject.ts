import { UsageError } from '../errors.ts'

/**
 * How a schema's subject in the registry is named (Confluent's TopicNameStrategy, RecordNameStrategy and
 * TopicRecordNameStrategy).
 * https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#subject-name-strategy
 */
export const subjectStrategies = ['topic-name', 'record-name', 'topic-record-name'] as const
export type SubjectStrategy = (typeof subjectStrategies)[number]

export interface SubjectOf {
  readonly strategy: SubjectStrategy
  readonly topic?: string | undefined
  /** Full name of the schema's record. */
  readonly record?: string | undefined
  /** Which part of the Kafka record; used by topic-name only. */
  readonly part?: 'key' | 'value'
}

/** `flights-value`, `com.exam.Flight` or `flights-com.exam.Flight`. Throws UsageError when a part is not known. */
export function subjectName({ strategy, topic, record, part = 'value' }: SubjectOf): string {
  const topicPart = () => topic || missing(strategy, 'the topic', '--topic TOPIC')
  const recordPart = () => record || missing(strategy, "a record's name", 'a schema that is a record')
  switch (strategy) {
    case 'topic-name':
      return `${topicPart()}-${part}`
    case 'record-name':
      return recordPart()
    case 'topic-record-name':
      return `${topicPart()}-${recordPart()}`
  }
}

function missing(strategy: SubjectStrategy, what: string, next: string): never {
  throw new UsageError(`the subject cannot be named: strategy ${strategy} needs ${what}`, { next })
}
