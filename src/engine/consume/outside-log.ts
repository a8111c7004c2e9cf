import { ConfigError } from '../../errors.ts'
import { type TopicPartition, tpName } from '../../kafka/types.ts'

/** The stored offset is not in the log [start, end): says which side, why that happens, and what to do. Never corrected silently. */
export function outsideLog(
  tp: TopicPartition,
  group: string,
  offset: bigint,
  start: bigint,
  end: bigint,
): ConfigError {
  const side = offset > end ? 'beyond the end of the log' : 'before the start of the log'
  const why =
    offset > end
      ? 'the topic was re-created or truncated'
      : 'retention removed records before they were consumed'
  return new ConfigError(`the stored offset ${offset} is ${side} [${start}, ${end}): ${why}`, {
    where: `${tpName(tp)}, group ${group}`,
    next: `etl verify-offsets --topic ${tp.topic}, then etl offsets reset --topic ${tp.topic} --partitions ${tp.partition} --to earliest`,
  })
}
