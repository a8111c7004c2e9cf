import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { throughProxy } from '../broker-proxy.ts'
import { type Member, Positions } from '../member.ts'
import type { Cases, TestBed } from './test-bed.ts'

/** Small fetches, so that there is always something fetched that waits. */
const small = { maxPartitionBytes: 1_000 }

/** Every record was read by one of the members, and none twice. */
function assertReadOnce(members: readonly Member[], sent: readonly string[]): void {
  assert.deepEqual(members.flatMap(({ values }) => values).toSorted(), sent.toSorted())
}

const count = (members: readonly Member[]) => members.reduce((sum, { values }) => sum + values.length, 0)

/** `rounds` times a second member joins a first one that stays, and leaves again. */
async function comeAndGo(bed: TestBed, rounds: number): Promise<void> {
  const topic = await bed.topic(6)
  const sent = await bed.fill(topic, 6, 2_000)
  const positions = new Positions()
  const options = { group: topic, topics: [topic], maxPartitionBytes: 2_000 }
  const steady = bed.member(positions, options)
  const members = [steady]
  await steady.until(() => steady.assigned.size === 6)
  for (let round = 0; round < rounds; round++) {
    const guest = bed.member(positions, options)
    members.push(guest)
    await guest.until(() => guest.assigned.size === 3)
    await guest.reader.close()
    await steady.until(() => steady.assigned.size === 6)
  }
  await steady.until(() => count(members) === sent.length)
  assertReadOnce(members, sent)
  assert(steady.assignments > 2 * rounds, `${steady.assignments} assignments`)
}

export const rebalances: Cases = {
  'members that join and leave share the partitions; every record is read once': async (bed) => {
    const topic = await bed.topic(4)
    const sent = await bed.fill(topic, 4, 500)
    const positions = new Positions()
    const options = { group: topic, topics: [topic], ...small }
    const first = bed.member(positions, options)
    await first.until(() => first.assigned.size === 4)
    const second = bed.member(positions, options)
    await second.until(() => second.assigned.size === 2)
    await first.until(() => first.assigned.size === 2)
    assert.equal(new Set([...first.assigned, ...second.assigned]).size, 4)
    await first.reader.close()
    await second.until(() => second.assigned.size === 4)
    const later = await bed.fill(topic, 4, 100, 10_000)
    await second.until(() => count([first, second]) === sent.length + later.length)
    assertReadOnce([first, second], [...sent, ...later])
  },

  'a member that dies without a word is replaced, and what it still delivers is fenced': async (bed) => {
    const topic = await bed.topic(4)
    const sent = await bed.fill(topic, 4, 2_000)
    const positions = new Positions()
    const options = { group: topic, topics: [topic], ...small }
    const { proxied, proxy } = await throughProxy(bed, bed.cluster)
    const doomed = bed.member(positions, options, { cluster: proxied })
    await doomed.until(() => doomed.assigned.size === 4)
    const heir = bed.member(positions, options)
    await heir.until(() => heir.assigned.size === 2 && doomed.assigned.size === 2)
    // It hangs over a batch while its connections die; when it wakes, its partitions are another's.
    const frozen = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    doomed.onBatch = () => {
      frozen.resolve()
      return release.promise
    }
    await bed.fill(topic, 4, 200, 20_000).then((more) => sent.push(...more))
    await frozen.promise
    proxy.onRequest = () => false
    await heir.until(() => heir.assigned.size === 4)
    release.resolve()
    await heir.until(() => count([doomed, heir]) === sent.length && positions.fenced > 0)
    assertReadOnce([doomed, heir], sent)
  },

  'twenty rebalances in a row lose and repeat nothing': (bed) => comeAndGo(bed, 10),

  'partitions added to a topic are shared out and read': async (bed) => {
    const topic = await bed.topic(2)
    const positions = new Positions()
    const options = { group: topic, topics: [topic], metadataInterval: 200 }
    const members = [bed.member(positions, options), bed.member(positions, options)] as const
    const [first, second] = members
    await first.until(() => first.assigned.size === 1 && second.assigned.size === 1)
    await bed.admin().createPartitions(topic, 4)
    await first.until(() => first.assigned.size === 2 && second.assigned.size === 2)
    const sent = await bed.fill(topic, 4, 10)
    await first.until(() => count(members) === sent.length)
    assertReadOnce(members, sent)
  },

  'partitions added to a topic that only another member reads are shared out, too': async (bed) => {
    const [both, other] = [await bed.topic(1), await bed.topic(1)]
    const positions = new Positions()
    const options = { group: both, metadataInterval: 200 }
    const leader = bed.member(positions, { ...options, topics: [both] })
    await leader.until(() => leader.assigned.size === 1)
    const member = bed.member(positions, { ...options, topics: [both, other] })
    await leader.until(() => member.assigned.size === 1 && leader.assigned.size === 1)
    await bed.admin().createPartitions(other, 3)
    await leader.until(() => member.assigned.size === 3)
    assert.deepEqual([...leader.assigned], [`${both}-0`])
  },

  'partitions added while the group rebalances are shared out and read': async (bed) => {
    const topic = await bed.topic(2)
    const positions = new Positions()
    const options = { group: topic, topics: [topic], metadataInterval: 200 }
    const first = bed.member(positions, options)
    await first.until(() => first.assigned.size === 2)
    const revoking = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    first.onRevoke = () => {
      revoking.resolve()
      return release.promise
    }
    const second = bed.member(positions, options) // its JoinGroup waits for the first one
    await revoking.promise
    await bed.admin().createPartitions(topic, 6)
    release.resolve()
    await first.until(() => first.assigned.size === 3 && second.assigned.size === 3)
    const sent = await bed.fill(topic, 6, 10)
    await first.until(() => count([first, second]) === sent.length)
    assertReadOnce([first, second], sent)
  },

  'onRevoke is awaited, and nothing is delivered during it': async (bed) => {
    const topic = await bed.topic(2)
    const sent = await bed.fill(topic, 2, 20_000)
    const positions = new Positions()
    const options = { group: topic, topics: [topic], ...small }
    const first = bed.member(positions, options)
    first.onBatch = async () => {
      await delay(5) // there is always something fetched that waits
    }
    let revoked = 0
    first.onRevoke = async () => {
      const before = first.values.length
      await delay(500)
      assert(first.values.length - before <= 100, 'no more than what was being worked on')
      assert.equal(second.assigned.size, 0, 'the partitions are not given away before')
      revoked++
    }
    await first.until(() => first.values.length > 0)
    const second = bed.member(positions, options)
    await second.until(() => second.assigned.size === 1)
    assert.equal(revoked, 1)
    first.onBatch = async () => {}
    await second.until(() => count([first, second]) === sent.length)
    assertReadOnce([first, second], sent)
  },

  'heartbeats go on while a batch is worked on for longer than the session timeout': async (bed) => {
    const topic = await bed.topic(2)
    const sent = await bed.fill(topic, 2, 10)
    const member = bed.member(new Positions(), { group: topic, topics: [topic], sessionTimeout: 6_000 })
    let slept = false
    member.onBatch = async () => {
      if (!slept) await delay(9_000)
      slept = true
    }
    await member.until(() => member.values.length === sent.length)
    assert.equal(member.assignments, 1)
    const mirrored = await member.reader.mirrorOffsets(new Map([[{ topic, partition: 0 }, 10n]]))
    assert(mirrored, 'the group still knows the member')
    assertReadOnce([member], sent)
  },
}
