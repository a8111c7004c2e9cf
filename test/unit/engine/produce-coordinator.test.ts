import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Coordinator, type ProduceWorker } from '../../../src/engine/produce/coordinator.ts'
import { PackWriter, unpack } from '../../../src/engine/produce/pack.ts'
import type { Appended, BadRecord, Encoded, Pack, Work } from '../../../src/engine/produce/work.ts'

interface Case {
  threads: number
  partitions: number
  pieces: number[]
  bad: Set<number>
}

const cases = fc.record({
  threads: fc.integer({ min: 1, max: 5 }),
  partitions: fc.integer({ min: 1, max: 7 }),
  pieces: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 30 }),
  bad: fc.array(fc.nat(60), { maxLength: 4 }).map((indexes) => new Set(indexes)),
})

/** Encodes a record as its index, in four bytes; keeps what is appended, by partition. Answers when the scheduler says so. */
class ScheduledWorker implements ProduceWorker {
  readonly #scheduler: fc.Scheduler
  readonly #case: Case
  readonly #onBad: 'stop' | 'skip'
  readonly log: Map<number, number[]>
  readonly failAppend: (call: number) => boolean
  appends = 0

  constructor(
    scheduler: fc.Scheduler,
    c: Case,
    onBad: 'stop' | 'skip',
    log: Map<number, number[]>,
    failAppend = (_: number) => false,
  ) {
    this.#scheduler = scheduler
    this.#case = c
    this.#onBad = onBad
    this.log = log
    this.failAppend = failAppend
  }

  encode(work: Work): Promise<Encoded> {
    const packs = Array.from({ length: this.#case.partitions }, (_, p) => new PackWriter(p))
    const bad: BadRecord[] = []
    let good = 0
    let index = work.firstRecord
    for (; index < work.firstRecord + work.records; index++) {
      if (this.#case.bad.has(index)) {
        bad.push({
          input: 'test',
          line: index,
          column: undefined,
          field: '',
          reason: 'bad',
          raw: new Uint8Array(),
        })
        if (this.#onBad === 'stop') break
        continue
      }
      const value = Buffer.alloc(4)
      value.writeUInt32BE(index)
      packs[index % this.#case.partitions]?.add(null, value)
      good++
    }
    const encoded = {
      packs: packs.filter((pack) => pack.records > 0).map((pack) => pack.take()),
      good,
      bad,
      inputBytes: 0,
      last: { input: 'test', line: index },
    }
    return this.#scheduler.schedule(Promise.resolve(encoded), `encode ${work.sequence}`)
  }

  append(packs: readonly Pack[]): Promise<readonly Appended[]> {
    const call = this.appends++
    const appended: Appended[] = []
    for (const pack of packs) {
      const values = unpack(pack).map((record) => (record.value as Buffer).readUInt32BE())
      const log = this.log.get(pack.partition) ?? []
      this.log.set(pack.partition, log)
      const firstOffset = BigInt(log.length)
      log.push(...values)
      const lastOffset = firstOffset + BigInt(values.length) - 1n
      appended.push({ partition: pack.partition, records: values.length, bytes: 4, firstOffset, lastOffset })
    }
    const answer = this.failAppend(call)
      ? Promise.reject(new Error('broker lost'))
      : Promise.resolve(appended)
    return this.#scheduler.schedule(answer, `append ${call}`)
  }
}

/** Runs a case; `given` counts the pieces that were taken from the source. */
async function run(
  scheduler: fc.Scheduler,
  c: Case,
  onBad: 'stop' | 'skip',
  options: {
    failAppend?: (call: number) => boolean
    report?: (bad: readonly BadRecord[]) => Promise<void>
  } = {},
) {
  const log = new Map<number, number[]>()
  const reported: number[] = []
  let stopped = false
  let given = 0
  const workers = Array.from(
    { length: c.threads },
    () => new ScheduledWorker(scheduler, c, onBad, log, options.failAppend),
  )
  const report = async (bad: readonly BadRecord[]) => {
    reported.push(...bad.map((b) => b.line))
  }
  const coordinator = new Coordinator({
    workers,
    onBad,
    report: options.report ?? report,
    dryRun: false,
    stopReading: () => {
      stopped = true
    },
  })
  async function* source(): AsyncGenerator<Work> {
    let firstRecord = 0
    for (const [sequence, records] of c.pieces.entries()) {
      if (stopped) return
      given++
      yield { kind: 'generate', sequence, firstRecord, records }
      firstRecord += records
    }
  }
  const ending = await scheduler.waitFor(coordinator.run(source()))
  return { ending, log, reported, given, tally: coordinator.tally, stopped }
}

const total = (c: Case) => c.pieces.reduce((sum, n) => sum + n, 0)

/** What each partition's log must hold: the good ones of the first `upTo` records, in input order. */
function expectedLog(c: Case, upTo: number): Map<number, number[]> {
  const log = new Map<number, number[]>()
  for (let i = 0; i < upTo; i++) {
    if (c.bad.has(i)) continue
    const partition = i % c.partitions
    log.set(partition, [...(log.get(partition) ?? []), i])
  }
  return log
}

const sorted = (log: Map<number, number[]>) => [...log].sort(([a], [b]) => a - b)

describe('coordinator', () => {
  it('gives every partition the order of the input, whatever thread is fast or slow (skip)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), cases, async (scheduler, c) => {
        const { ending, log, reported, tally } = await run(scheduler, c, 'skip')
        const n = total(c)
        assert.equal(ending, undefined)
        assert.deepEqual(sorted(log), sorted(expectedLog(c, n)))
        assert.deepEqual(
          reported,
          [...c.bad].filter((i) => i < n).sort((a, b) => a - b),
        )
        assert.equal(tally.read, n)
        assert.equal(tally.read, tally.sent + tally.bad)
      }),
    )
  })

  it('sends exactly what stands before the first bad record (stop)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), cases, async (scheduler, c) => {
        const { ending, log, tally } = await run(scheduler, c, 'stop')
        const first = Math.min(...c.bad, total(c))
        assert.equal(ending?.kind, first < total(c) ? 'bad-record' : undefined)
        assert.deepEqual(sorted(log), sorted(expectedLog(c, first)))
        assert.equal(tally.sent, first)
        assert.equal(tally.read, tally.sent + tally.bad)
      }),
    )
  })

  it('ends after a failed append with a prefix of the input handed out, and stops reading', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), cases, fc.nat(5), async (scheduler, c, failing) => {
        let calls = 0
        const { ending, log, tally, stopped } = await run(scheduler, { ...c, bad: new Set() }, 'stop', {
          failAppend: () => calls++ === failing,
        })
        if (calls <= failing) {
          assert.equal(ending, undefined)
          return
        }
        assert.equal(ending?.kind, 'failed')
        assert.ok(stopped)
        assert.deepEqual(sorted(log), sorted(expectedLog({ ...c, bad: new Set() }, tally.good)))
        assert.ok(tally.sent < tally.good)
      }),
    )
  })

  it('sends nothing of a piece whose bad records could not be kept', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), cases, async (scheduler, c) => {
        const disk = new Error('disk full')
        const { ending, log, tally } = await run(scheduler, c, 'skip', { report: () => Promise.reject(disk) })
        const n = total(c)
        if (![...c.bad].some((i) => i < n)) return
        assert.deepEqual(ending, { kind: 'failed', error: disk })
        assert.equal(tally.bad, 0)
        assert.deepEqual(sorted(log), sorted(expectedLog(c, tally.read)))
        assert.equal(tally.read, tally.sent)
      }),
    )
  })

  it('holds no more than four pieces a thread in memory', async () => {
    const c: Case = { threads: 2, partitions: 1, pieces: Array.from({ length: 50 }, () => 1), bad: new Set() }
    let inside = 0
    let most = 0
    const pending: (() => void)[] = []
    const worker: ProduceWorker = {
      encode: async (work) => {
        most = Math.max(most, ++inside)
        const pack = new PackWriter(0)
        pack.add(null, Buffer.of(1))
        return {
          packs: [pack.take()],
          good: 1,
          bad: [],
          inputBytes: 0,
          last: { input: 'test', line: work.sequence },
        }
      },
      append: (packs) =>
        new Promise((resolve) => {
          pending.push(() => {
            inside--
            resolve(
              packs.map(() => ({ partition: 0, records: 1, bytes: 1, firstOffset: 0n, lastOffset: 0n })),
            )
          })
        }),
    }
    const coordinator = new Coordinator({
      workers: [worker, worker],
      onBad: 'stop',
      report: async () => {},
      dryRun: false,
      stopReading: () => {},
    })
    async function* source(): AsyncGenerator<Work> {
      for (const sequence of c.pieces.keys())
        yield { kind: 'generate', sequence, firstRecord: sequence, records: 1 }
    }
    const done = coordinator.run(source())
    while (coordinator.tally.sent < 50) {
      await new Promise(setImmediate)
      pending.shift()?.()
    }
    assert.equal(await done, undefined)
    assert.equal(most, 8)
  })

  it('tells an error of the input only after what stood before it is sent', async () => {
    const broken = new Error('broken input')
    const log = new Map<number, number[]>()
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        log.clear()
        const c: Case = { threads: 2, partitions: 1, pieces: [], bad: new Set() }
        const worker = new ScheduledWorker(scheduler, c, 'stop', log)
        const coordinator = new Coordinator({
          workers: [worker, worker],
          onBad: 'stop',
          report: async () => {},
          dryRun: false,
          stopReading: () => {},
        })
        async function* source(): AsyncGenerator<Work> {
          yield { kind: 'generate', sequence: 0, firstRecord: 0, records: 3 }
          throw broken
        }
        assert.deepEqual(await scheduler.waitFor(coordinator.run(source())), {
          kind: 'failed',
          error: broken,
        })
        assert.deepEqual(log.get(0), [0, 1, 2])
        assert.equal(coordinator.tally.sent, 3)
      }),
    )
  })
})
