import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { assignPartitions } from '../../../src/kafka/group/assignor.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../src/kafka/group/consumer-protocol.ts'
import { TruncatedMessageError } from '../../../src/kafka/protocol/wire.ts'
import { type TopicPartition, tpName } from '../../../src/kafka/types.ts'

type Assignment = Map<string, TopicPartition[]>

const topics = ['a', 'b']
const memberIds = (n: number) => Array.from({ length: n }, (_, i) => `m${i}`)

function assign(
  ids: readonly string[],
  counts: ReadonlyMap<string, number>,
  before?: Assignment,
): Assignment {
  const members = ids.map((memberId) => ({ memberId, topics, owned: before?.get(memberId) ?? [] }))
  return assignPartitions(members, counts)
}

function assertFair(assignment: Assignment, total: number): void {
  const all = [...assignment.values()].flat().map(tpName)
  assert.equal(all.length, total)
  assert.equal(new Set(all).size, total)
  const sizes = [...assignment.values()].map(({ length }) => length)
  assert(Math.max(...sizes) - Math.min(...sizes) <= 1, `sizes ${sizes}`)
}

suite('assignor', () => {
  test('every partition has one member, sizes differ by one at most, whoever joins or leaves', () => {
    fc.assert(
      fc.property(
        fc.nat(20),
        fc.nat(20),
        fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 5 }),
        (a, b, sizes) => {
          const counts = new Map([
            ['a', a],
            ['b', b],
          ])
          let assignment: Assignment | undefined
          for (const size of sizes) {
            assignment = assign(memberIds(size), counts, assignment)
            assertFair(assignment, a + b)
          }
        },
      ),
    )
  })

  test('nothing moves when nothing changed', () => {
    const counts = new Map([
      ['a', 7],
      ['b', 4],
    ])
    const first = assign(memberIds(3), counts)
    const again = assign(memberIds(3), counts, first)
    for (const [member, tps] of first) {
      assert.deepEqual(new Set(again.get(member)?.map(tpName)), new Set(tps.map(tpName)))
    }
  })

  test('a member that joins is given its share, and the others keep the rest', () => {
    const counts = new Map([['a', 12]])
    const before = assign(memberIds(2), counts)
    const after = assign(memberIds(3), counts, before)
    for (const member of memberIds(2)) {
      const had = new Set(before.get(member)?.map(tpName))
      const kept = after.get(member)?.filter((tp) => had.has(tpName(tp)))
      assert.equal(kept?.length, 4)
    }
  })

  test('a member gets partitions of its topics only', () => {
    const members = [
      { memberId: 'x', topics: ['a'], owned: [] },
      { memberId: 'y', topics: ['b'], owned: [{ topic: 'a', partition: 0 }] },
    ]
    const assignment = assignPartitions(
      members,
      new Map([
        ['a', 2],
        ['b', 3],
      ]),
    )
    assert.deepEqual(
      assignment.get('x')?.map(({ topic }) => topic),
      ['a', 'a'],
    )
    assert.deepEqual(
      assignment.get('y')?.map(({ topic }) => topic),
      ['b', 'b', 'b'],
    )
  })
})

suite('consumer protocol', () => {
  const owned = [
    { topic: 'a', partition: 1 },
    { topic: 'a', partition: 0 },
    { topic: 'ü', partition: 9 },
  ]

  test('subscriptions and assignments there and back', () => {
    assert.deepEqual(decodeSubscription(encodeSubscription({ topics, owned })), { topics, owned })
    assert.deepEqual(decodeAssignment(encodeAssignment(owned)), owned)
    assert.deepEqual(decodeAssignment(null), [])
    assert.deepEqual(decodeAssignment(Buffer.alloc(0)), [])
  })

  test('a message that is cut off is an error, not a wrong assignment', () => {
    const bytes = encodeAssignment(owned)
    for (let length = 1; length < bytes.length - 4; length++) {
      assert.throws(() => decodeAssignment(bytes.subarray(0, length)), TruncatedMessageError)
    }
  })
})
