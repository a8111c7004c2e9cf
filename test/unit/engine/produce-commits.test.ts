import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Commits } from '../../../src/engine/produce/commits.ts'
import { Coordinator, type Ending, type ProduceWorker } from '../../../src/engine/produce/coordinator.ts'
import { PackWriter, unpack } from '../../../src/engine/produce/pack.ts'
import { takeInput } from '../../../src/engine/produce/resumable-input.ts'
import type { Appended, BadRecord, Encoded, Pack, Work } from '../../../src/engine/produce/work.ts'
import { FencedError } from '../../../src/errors.ts'
import type {
  StoredPlace,
  TransactionalId,
  TransactionIdentity,
  Transactions,
} from '../../../src/kafka/transactions.ts'

/** One transactional id as brokers know it. */
interface IdState {
  epoch: number
  included: Set<number>
  open: { partition: number; value: number }[]
  unanswered: number
  stored: StoredPlace | undefined
  storing: StoredPlace | undefined
}

/**
 * What brokers hold, and the rules that they enforce: epochs fence, records need an included partition, a commit makes records and place count
 * together. Requests take effect when they are made; when their answers come is the scheduler's choice.
 */
class Brokers {
  readonly committed = new Map<number, number[]>()
  readonly #ids = new Map<string, IdState>()

  id(name: string): IdState {
    let state = this.#ids.get(name)
    if (!state) {
      state = {
        epoch: -1,
        included: new Set(),
        open: [],
        unanswered: 0,
        stored: undefined,
        storing: undefined,
      }
      this.#ids.set(name, state)
    }
    return state
  }

  /** The state, for its owner. */
  owned({ transactionalId, producerEpoch }: TransactionIdentity): IdState {
    const state = this.id(transactionalId)
    if (state.epoch !== producerEpoch) throw new FencedError('taken over')
    return state
  }

  take(name: string): { identity: TransactionIdentity; stored: StoredPlace | undefined } {
    const state = this.id(name)
    Object.assign(state, {
      epoch: state.epoch + 1,
      included: new Set(),
      open: [],
      unanswered: 0,
      storing: undefined,
    })
    return {
      identity: { transactionalId: name, producerId: 1n, producerEpoch: state.epoch },
      stored: state.stored,
    }
  }

  commit(identity: TransactionIdentity): void {
    const state = this.owned(identity)
    assert.equal(state.unanswered, 0, 'a commit waits for the answers of all appends')
    assert.ok(state.storing, 'a commit has a place')
    for (const { partition, value } of state.open) {
      const log = this.committed.get(partition) ?? []
      this.committed.set(partition, log)
      log.push(value)
    }
    Object.assign(state, { stored: state.storing, storing: undefined, open: [], included: new Set() })
  }
}

interface Case {
  threads: number
  partitions: number
  /** Of each input the sizes of its pieces. */
  inputs: number[][]
  bad: number[]
  onBad: 'stop' | 'skip'
  /** After so many answers each run's process dies; the last run lives. */
  deaths: number[]
}

/** One process: its answers come through the scheduler, and never again after its death. */
class Process {
  dead = false
  /** It has taken over all inputs. */
  hasTaken = false
  readonly #scheduler: fc.Scheduler
  readonly #brokers: Brokers
  readonly #case: Case
  readonly #bad: ReadonlySet<number>

  constructor(scheduler: fc.Scheduler, brokers: Brokers, c: Case, bad: ReadonlySet<number>) {
    this.#scheduler = scheduler
    this.#brokers = brokers
    this.#case = c
    this.#bad = bad
  }

  async run(): Promise<{ ending: Ending | undefined; sent: number; read: number }> {
    const { inputs, threads, onBad } = this.#case
    const transactions: Transactions = {
      take: async (name) => {
        const { identity, stored } = this.#brokers.take(name)
        return this.#answer(() => this.#ownedId(identity, stored))
      },
      close: () => {},
    }
    const target = { topic: 't', topicId: 'T', flags: {} }
    const taken = []
    for (const index of inputs.keys())
      taken.push(await takeInput(transactions, { name: 'in', id: `${index}` }, target))
    this.hasTaken = true
    let time = 0
    const coordinator = new Coordinator({
      workers: Array.from({ length: threads }, () => this.#worker()),
      onBad,
      report: async () => {},
      dryRun: false,
      commits: new Commits({ inputs: taken, badFile: () => undefined, now: () => (time += 20) }),
      stopReading: () => {},
    })
    const earlier = taken.map((input) => input.earlier?.records ?? 0)
    const ending = await coordinator.run(work(inputs, earlier))
    return { ending, sent: coordinator.tally.sent, read: coordinator.tally.read }
  }

  /** The effect is there at once; the answer comes when it comes. */
  async #answer<T>(effect: () => T): Promise<T> {
    if (this.dead) return new Promise(() => {})
    const done = (async () => effect())()
    done.catch(() => undefined)
    await this.#scheduler.schedule(Promise.resolve(), 'answer')
    return this.dead ? new Promise(() => {}) : done
  }

  #ownedId(identity: TransactionIdentity, stored: StoredPlace | undefined): TransactionalId {
    const brokers = this.#brokers
    return {
      identity,
      stored,
      include: (partitions) =>
        this.#answer(() => {
          const { included } = brokers.owned(identity)
          for (const partition of partitions) included.add(partition)
        }),
      store: (place) =>
        this.#answer(() => {
          brokers.owned(identity).storing = place
        }),
      commit: () => this.#answer(() => brokers.commit(identity)),
      abandon: async () => {},
    }
  }

  #worker(): ProduceWorker {
    return {
      encode: (work) => this.#answer(() => this.#encode(work)),
      append: async (packs, identity) => {
        assert.ok(identity)
        const appended = await this.#answer(() => this.#append(packs, identity))
        this.#brokers.owned(identity).unanswered--
        return appended
      },
    }
  }

  #append(packs: readonly Pack[], identity: TransactionIdentity): Appended[] {
    const state = this.#brokers.owned(identity)
    state.unanswered++
    return packs.map((pack) => {
      assert.ok(state.included.has(pack.partition), 'a partition is included before records go to it')
      const values = unpack(pack).map((record) => (record.value as Buffer).readUInt32BE())
      for (const value of values) state.open.push({ partition: pack.partition, value })
      return { partition: pack.partition, records: values.length, bytes: 4, firstOffset: 0n, lastOffset: 0n }
    })
  }

  #encode(work: Work): Encoded {
    const { partitions, onBad } = this.#case
    const packs = Array.from({ length: partitions }, (_, p) => new PackWriter(p))
    const bad: BadRecord[] = []
    let good = 0
    for (let id = work.firstRecord; id < work.firstRecord + work.records; id++) {
      if (this.#bad.has(id)) {
        bad.push({
          input: 'in',
          line: id,
          column: undefined,
          field: '',
          reason: 'bad',
          raw: new Uint8Array(),
        })
        if (onBad === 'stop') break
        continue
      }
      const value = Buffer.alloc(4)
      value.writeUInt32BE(id)
      packs[id % partitions]?.add(null, value)
      good++
    }
    const filled = packs.filter((pack) => pack.records > 0).map((pack) => pack.take())
    return { packs: filled, good, bad, inputBytes: 0, last: { input: 'in', line: 0 } }
  }
}

/** The pieces of the inputs, without the first `earlier` records of each; a piece that was sent in part is cut. */
async function* work(inputs: readonly number[][], earlier: readonly number[]): AsyncGenerator<Work> {
  let sequence = 0
  let base = 0
  for (const [input, sizes] of inputs.entries()) {
    const total = sizes.reduce((sum, size) => sum + size, 0)
    let at = 0
    for (const size of sizes) {
      const before = Math.max(at, earlier[input] as number)
      const records = at + size - before
      at += size
      if (records <= 0) continue
      const place = { input, before, text: undefined }
      yield { kind: 'generate', sequence: sequence++, firstRecord: base + before, records, place }
    }
    base += total
  }
}

const cases: fc.Arbitrary<Case> = fc.record({
  threads: fc.integer({ min: 1, max: 4 }),
  partitions: fc.integer({ min: 1, max: 5 }),
  inputs: fc.array(fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 12 }), {
    minLength: 1,
    maxLength: 3,
  }),
  bad: fc.array(fc.nat(40), { maxLength: 3 }),
  onBad: fc.constantFrom('stop', 'skip'),
  deaths: fc.array(fc.nat(60), { maxLength: 4 }),
})

describe('resumable runs', () => {
  it('whenever processes die, and though the dead ones go on for a while: each record once, in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), cases, async (scheduler, c) => {
        const brokers = new Brokers()
        const total = c.inputs.flat().reduce((sum, size) => sum + size, 0)
        const bad = new Set(c.bad.filter((id) => id < total))
        const zombies: Promise<unknown>[] = []
        for (const answers of c.deaths) {
          const process = new Process(scheduler, brokers, c, bad)
          let ended = false
          const run = process.run().finally(() => {
            ended = true
          })
          zombies.push(run.catch(() => undefined))
          for (let i = 0; i < answers && !ended; i++) {
            await new Promise(setImmediate)
            if (scheduler.count() > 0) await scheduler.waitOne()
          }
          // Every other one is only frozen: it wakes up beside the next ones. One that had not taken all inputs would take them from
          // the last run, and rightly fence it.
          process.dead = answers % 2 === 0 || !process.hasTaken
        }
        const skipped = c.onBad === 'skip' ? bad : new Set<number>()
        const correctable = new Set(bad)
        for (;;) {
          const { ending } = await scheduler.waitFor(new Process(scheduler, brokers, c, correctable).run())
          if (!ending) break
          assert.equal(ending.kind, 'bad-record', String((ending as { error?: unknown }).error))
          // The user corrects it.
          correctable.delete(Math.min(...correctable))
        }
        const all = Array.from({ length: total }, (_, id) => id).filter((id) => !skipped.has(id))
        for (let p = 0; p < c.partitions; p++) {
          assert.deepEqual(
            brokers.committed.get(p) ?? [],
            all.filter((id) => id % c.partitions === p),
          )
        }
      }),
      { numRuns: 120 },
    )
  })

  it('counts as sent what is committed, and the totals add up', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), cases, async (scheduler, c) => {
        const brokers = new Brokers()
        const { ending, sent, read } = await scheduler.waitFor(
          new Process(scheduler, brokers, c, new Set(c.bad)).run(),
        )
        const inLog = [...brokers.committed.values()].reduce((sum, log) => sum + log.length, 0)
        const total = c.inputs.flat().reduce((sum, size) => sum + size, 0)
        const seenBad = c.bad.filter((id, i) => id < total && c.bad.indexOf(id) === i)
        const counted = c.onBad === 'skip' ? seenBad.length : ending ? 1 : 0
        assert.equal(sent, inLog)
        assert.equal(read, sent + counted)
      }),
      { numRuns: 40 },
    )
  })
})
