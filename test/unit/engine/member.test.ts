import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { defaultLimits } from '../../../src/engine/consume/job.ts'
import { Member, type MemberParts } from '../../../src/engine/consume/member.ts'
import type { Reader } from '../../../src/kafka/reader.ts'
import type { Lane } from '../../../src/sink/sink.ts'

const tp = { topic: 't', partition: 0 }
type OnAssign = Parameters<Reader['onAssign']>[0]

/** A member whose partition has `stored`; `ends`: the log's end at each look, the last one for good. */
function memberAt(stored: bigint, ends: readonly bigint[]) {
  let assign: OnAssign | undefined
  let looks = 0
  let released = 0
  const lane: Lane = {
    ...tp,
    nextOffset: stored,
    epoch: 2n,
    commit: () => Promise.reject(new Error('nothing is written here')),
    release: async () => {
      released++
    },
  }
  const parts = {
    reader: {
      onAssign: (f: OnAssign) => {
        assign = f
      },
      onRevoke: () => undefined,
      onPartitionError: () => undefined,
      mirrorOffsets: async () => true,
      close: async () => undefined,
    },
    sink: { claim: async () => lane },
    admin: {
      topic: async () => ({ topicId: 'id' }),
      clusterId: async () => 'cluster',
      startOffsets: async () => new Map([[0, 10n]]),
      endOffsets: async () => new Map([[0, ends[Math.min(looks++, ends.length - 1)] ?? 0n]]),
    },
    encoder: {},
    publish: undefined,
  } as unknown as MemberParts
  const job = { topic: 't', group: 'g', partitions: 1, from: 'earliest', limits: defaultLimits }
  const member = new Member(job as unknown as ConstructorParameters<typeof Member>[0], parts)
  return {
    member,
    assign: async () => (await assign?.([tp], new AbortController().signal))?.get(tp),
    released: () => released,
  }
}

describe('Member', () => {
  it('reads on from an offset that the owner before committed after the log was looked at', async () => {
    const { member, assign } = memberAt(150n, [100n, 160n])
    assert.equal(await assign(), 150n)
    assert.equal(member.progress()[0]?.state, 'running')
    await member.stop()
  })

  for (const [where, offset] of [
    ['beyond the end', 150n],
    ['before the start', 9n],
  ] as const) {
    it(`gives a partition back whose offset is ${where} of the log`, async () => {
      const { member, assign, released } = memberAt(offset, [100n])
      assert.equal(await assign(), undefined)
      const [lane] = member.progress()
      assert.equal(lane?.state, 'failed')
      assert.match(lane?.error?.message ?? '', new RegExp(where))
      assert.equal(released(), 1)
      await member.stop()
    })
  }
})
