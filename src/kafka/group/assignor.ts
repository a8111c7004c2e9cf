import type { TopicPartition } from '../types.ts'

export interface MemberSubscription {
  readonly memberId: string
  readonly topics: readonly string[]
  /** Partitions that the member had until now; kept where balance allows. */
  readonly owned: readonly TopicPartition[]
}

/**
 * Gives every partition to one member that subscribes to its topic: sizes differ by one at most (with equal
 * subscriptions), and a member keeps what it had as far as that allows, so that few lanes move in a rebalance.
 * Deterministic. `partitions`: number of partitions by topic.
 */
export function assignPartitions(
  members: readonly MemberSubscription[],
  partitions: ReadonlyMap<string, number>,
): Map<string, TopicPartition[]> {
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
  const assignment = new Map<string, TopicPartition[]>(sorted.map(({ memberId }) => [memberId, []]))
  const wanted = allPartitions(sorted, partitions)
  const free = new Map(wanted.map((tp) => [keyOf(tp), tp]))

  const share = Math.floor(wanted.length / sorted.length)
  let larger = wanted.length % sorted.length // members that may have one more
  for (const { memberId, topics, owned } of sorted) {
    const kept = assignment.get(memberId) as TopicPartition[]
    for (const tp of owned) {
      const key = keyOf(tp)
      if (!free.has(key) || !topics.includes(tp.topic)) continue
      if (kept.length === share) {
        if (larger === 0) break
        larger--
      } else if (kept.length > share) break
      free.delete(key)
      kept.push(tp)
    }
  }

  for (const tp of free.values()) {
    const candidates = sorted.filter(({ topics }) => topics.includes(tp.topic))
    const size = (member: MemberSubscription) => assignment.get(member.memberId)?.length ?? 0
    const least = candidates.reduce((a, b) => (size(b) < size(a) ? b : a))
    assignment.get(least.memberId)?.push(tp)
  }
  return assignment
}

function allPartitions(
  members: readonly MemberSubscription[],
  partitions: ReadonlyMap<string, number>,
): TopicPartition[] {
  const topics = [...new Set(members.flatMap((member) => member.topics))].sort()
  return topics.flatMap((topic) =>
    Array.from({ length: partitions.get(topic) ?? 0 }, (_, partition) => ({ topic, partition })),
  )
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic} ${partition}`
}
