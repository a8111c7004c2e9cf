import { ConfigError } from '../errors.ts'
import type { KafkaAdmin } from '../kafka/admin.ts'
import type { TopicWish } from './dataset-wish.ts'
import type { Step } from './step.ts'

const defaultPartitions = 3

/** Creates the topic, adds partitions, sets changed settings. Fewer partitions are impossible in Kafka: ConfigError. */
export async function planTopic(wish: TopicWish, admin: KafkaAdmin): Promise<Step[]> {
  const topic = await admin.topic(wish.name)
  const step = (kind: Step['kind'], detail: string, run: () => Promise<void>): Step => ({
    part: 'kafka',
    place: 'kafka',
    kind,
    object: `topic ${wish.name}`,
    detail,
    sql: [],
    run,
  })
  if (!topic) {
    const partitions = wish.partitions ?? defaultPartitions
    const settings = [...wish.config].map(([name, value]) => `, ${name}=${value}`).join('')
    const create = () => admin.createTopic({ ...wish, partitions })
    return [
      step('create', `${partitions} partitions, ${replicas(wish.replicationFactor)}${settings}`, create),
    ]
  }
  const steps: Step[] = []
  const partitions = wish.partitions ?? topic.partitions
  if (partitions < topic.partitions)
    throw new ConfigError(
      `the topic ${wish.name} has ${topic.partitions} partitions; Kafka cannot take any away`,
      {
        next: `ask for ${topic.partitions}, or create another topic`,
      },
    )
  if (partitions > topic.partitions)
    steps.push({
      ...step('alter', `${topic.partitions} → ${partitions} partitions; keys move to other partitions`, () =>
        admin.createPartitions(wish.name, partitions),
      ),
      consent: 'repartition',
    })
  const now = wish.config.size > 0 ? await admin.topicConfig(wish.name) : new Map<string, string>()
  const changed = [...wish.config].filter(([name, value]) => now.get(name) !== value)
  if (changed.length > 0) {
    const detail = changed
      .map(([name, value]) => `${name}: ${now.get(name) ?? 'default'} → ${value}`)
      .join(', ')
    steps.push(step('alter', detail, () => admin.alterTopicConfig(wish.name, new Map(changed))))
  }
  return steps
}

function replicas(factor: number): string {
  return factor < 0 ? "the broker's replication" : `replication ${factor}`
}
