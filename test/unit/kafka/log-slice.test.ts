import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { CorruptBatchError } from '../../../src/kafka/errors.ts'
import { defaultLimits, LogSlice } from '../../../src/kafka/fetch/log-slice.ts'
import type { AbortedTransaction, FetchedPartition } from '../../../src/kafka/protocol/fetch.ts'
import { encodeBatch } from '../../../src/kafka/record-batch/encode.ts'
import { Field } from '../../../src/kafka/record-batch/layout.ts'
import type { RecordBatch } from '../../../src/kafka/types.ts'
import { buildLog, fetched, type LogEntry } from './batches.ts'

function readAll(slice: LogSlice): RecordBatch[] {
  const batches: RecordBatch[] = []
  for (let batch = slice.next(); batch; batch = slice.next()) batches.push(batch)
  return batches
}

function keys(batches: readonly RecordBatch[]): string[] {
  return batches.flatMap(({ records }) => records.map(({ key }) => String(key)))
}

const data = (producerId: bigint, ...names: (string | Buffer)[]): LogEntry => ({
  producerId,
  transactional: true,
  keys: names,
})
const abort = (producerId: bigint): LogEntry => ({ producerId, marker: 'abort' })
const commit = (producerId: bigint): LogEntry => ({ producerId, marker: 'commit' })

/**
 * Reads a log the way a broker serves it: `fetchBatches` batches at most per fetch, from the batch that holds the position, with the
 * aborted transactions that overlap what is served.
 */
function readLikeABroker(
  entries: readonly LogEntry[],
  from: bigint,
  fetchBatches = Infinity,
): { keys: string[]; position: bigint } {
  const batches = buildLog(entries)
  const spans = batches.map((bytes) => {
    const first = bytes.readBigInt64BE(0)
    return { bytes, first, last: first + BigInt(bytes.readInt32BE(Field.lastOffsetDelta)) }
  })
  const found: string[] = []
  let position = from
  for (;;) {
    const start = spans.findIndex(({ last }) => last >= position)
    if (start < 0) return { keys: found, position }
    const served = spans.slice(start, start + fetchBatches)
    const first = served[0]?.first as bigint
    const last = served.at(-1)?.last as bigint
    const part = fetched({
      records: Buffer.concat(served.map(({ bytes }) => bytes)),
      aborted: abortedTransactions(entries, spans).filter((t) => t.firstOffset <= last && t.end >= first),
    })
    const slice = new LogSlice(part, position, defaultLimits)
    for (const batch of readAll(slice)) {
      assert.equal(batch.firstOffset, position)
      position = batch.nextOffset
      found.push(...keys([batch]))
    }
    assert.equal(position, last + 1n)
  }
}

function abortedTransactions(
  entries: readonly LogEntry[],
  spans: readonly { first: bigint }[],
): (AbortedTransaction & { end: bigint })[] {
  const open = new Map<bigint, bigint>()
  const aborted: (AbortedTransaction & { end: bigint })[] = []
  entries.forEach(({ producerId, transactional, marker }, i) => {
    const offset = spans[i]?.first as bigint
    if (producerId === undefined) return
    if (marker) {
      const firstOffset = open.get(producerId)
      if (marker === 'abort' && firstOffset !== undefined)
        aborted.push({ producerId, firstOffset, end: offset })
      open.delete(producerId)
    } else if (transactional && !open.has(producerId)) open.set(producerId, offset)
  })
  return aborted
}

function committedKeys(entries: readonly LogEntry[], from: bigint): string[] {
  const batches = buildLog(entries)
  const outcome = (i: number): boolean => {
    const { producerId, transactional } = entries[i] as LogEntry
    if (!transactional) return true
    const end = entries.findIndex((e, j) => j > i && e.marker && e.producerId === producerId)
    return entries[end]?.marker === 'commit'
  }
  return entries.flatMap(({ marker, keys = [] }, i) => {
    const base = batches[i]?.readBigInt64BE(0) as bigint
    return marker || !outcome(i) ? [] : keys.filter((_, n) => base + BigInt(n) >= from).map(String)
  })
}

/** The cases in which other clients show aborted records (clients known in 2026). */
const cases: Readonly<Record<string, LogEntry[]>> = {
  'two overlapping aborted transactions': [
    data(1n, 'a1', 'a2'),
    data(2n, 'b1'),
    { keys: ['plain'] },
    data(1n, 'a3'),
    abort(1n),
    data(2n, 'b2', 'b3'),
    data(3n, 'c1'),
    abort(2n),
    commit(3n),
  ],
  'one producer: abort, commit, abort, commit': [
    data(1n, 'a1', 'a2'),
    abort(1n),
    data(1n, 'b1'),
    commit(1n),
    data(1n, 'c1', 'c2'),
    abort(1n),
    data(1n, 'd1'),
    commit(1n),
  ],
  'an aborted transaction over many fetches': [
    ...Array.from({ length: 12 }, (_, i) => data(1n, `a${i}`)),
    { keys: ['plain'] },
    abort(1n),
    { keys: ['after'] },
  ],
  'aborted records whose keys look like markers': [
    data(1n, Buffer.from([0, 0, 0, 0]), 'a1'),
    data(1n, Buffer.from([0, 0, 0, 1]), 'a2'),
    abort(1n),
    { keys: [Buffer.from([0, 0, 0, 0]), 'plain'] },
    data(1n, Buffer.from([0, 0, 0, 0]), 'b1'),
    commit(1n),
  ],
}

suite('read committed', () => {
  for (const [name, entries] of Object.entries(cases)) {
    test(`${name}: from every offset, with every fetch size`, () => {
      const end = readLikeABroker(entries, 0n).position
      for (let from = 0n; from < end; from++) {
        for (let size = 1; size <= entries.length; size++) {
          const read = readLikeABroker(entries, from, size)
          assert.deepEqual(read.keys, committedKeys(entries, from), `from ${from}, ${size} batches a fetch`)
          assert.equal(read.position, end)
        }
      }
    })
  }

  test('any history of transactions, from any offset, with any fetch size', () => {
    const step = fc.record({
      producer: fc.integer({ min: 0, max: 3 }),
      act: fc.constantFrom('data', 'data', 'data', 'abort', 'commit', 'plain'),
      count: fc.integer({ min: 1, max: 4 }),
    })
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.nat(60),
        fc.integer({ min: 1, max: 10 }),
        (steps, start, size) => {
          const entries = historyOf(steps)
          const { keys, position } = readLikeABroker(entries, BigInt(start), size)
          assert.deepEqual(keys, committedKeys(entries, BigInt(start)))
          assert(position >= BigInt(start))
        },
      ),
      { numRuns: 2_000 },
    )
  })
})

/** Markers only end open transactions, and every transaction is ended: what is beyond is not stable. */
function historyOf(steps: readonly { producer: number; act: string; count: number }[]): LogEntry[] {
  const open = new Set<number>()
  const entries: LogEntry[] = []
  let n = 0
  for (const { producer, act, count } of steps) {
    const names = Array.from({ length: count }, () => `r${n++}`)
    if (act === 'plain') entries.push({ keys: names })
    else if (act === 'data') {
      open.add(producer)
      entries.push(data(BigInt(producer), ...names))
    } else if (open.delete(producer)) {
      entries.push(act === 'abort' ? abort(BigInt(producer)) : commit(BigInt(producer)))
    }
  }
  for (const producer of open) entries.push(abort(BigInt(producer)))
  return entries
}

suite('slice of a log', () => {
  const part = (records: Buffer, more: Partial<FetchedPartition> = {}) => fetched({ records, ...more })

  test('is given in pieces without gap or overlap', () => {
    const records = Array.from({ length: 1_000 }, (_, i) => ({ key: Buffer.from(String(i)), value: null }))
    const log = encodeBatch(records, { compression: 'lz4', now: 0n })
    const slice = new LogSlice(part(log), 10n, { ...defaultLimits, maxRecords: 300 })
    const batches = readAll(slice)
    assert.deepEqual(
      batches.map(({ firstOffset, nextOffset, records }) => [firstOffset, nextOffset, records.length]),
      [
        [10n, 310n, 300],
        [310n, 610n, 300],
        [610n, 910n, 300],
        [910n, 1_000n, 90],
      ],
    )
    assert.deepEqual(
      keys(batches),
      records.slice(10).map(({ key }) => String(key)),
    )
    assert(slice.drained)
  })

  test('closes a piece by bytes, but never an empty one', () => {
    const records = Array.from({ length: 6 }, () => ({ key: null, value: Buffer.alloc(100) }))
    const log = encodeBatch(records, { compression: 'none', now: 0n })
    const sizes = (maxBytes: number) =>
      readAll(new LogSlice(part(log), 0n, { ...defaultLimits, maxBytes })).map(
        ({ records }) => records.length,
      )
    assert.deepEqual(sizes(250), [2, 2, 2])
    assert.deepEqual(sizes(10), [1, 1, 1, 1, 1, 1])
  })

  test('counts the bytes of keys and values', () => {
    const log = encodeBatch(
      [
        { key: Buffer.from('four'), value: Buffer.alloc(10) },
        { key: null, value: null },
      ],
      {
        compression: 'gzip',
        now: 0n,
      },
    )
    assert.equal(new LogSlice(part(log), 0n, defaultLimits).next()?.bytes, 14)
  })

  test('stops at `until`, in the middle of a batch', () => {
    const log = Buffer.concat(buildLog([{ keys: ['0', '1', '2'] }, { keys: ['3', '4', '5'] }]))
    const batches = readAll(new LogSlice(part(log), 1n, defaultLimits, 4n))
    assert.deepEqual(keys(batches), ['1', '2', '3'])
    assert.equal(batches.at(-1)?.nextOffset, 4n)
  })

  test('gives nothing at or beyond the last stable offset', () => {
    const log = Buffer.concat(buildLog([{ keys: ['0', '1'] }, { keys: ['2'] }]))
    const batches = readAll(new LogSlice(part(log, { lastStableOffset: 2n }), 0n, defaultLimits))
    assert.deepEqual(keys(batches), ['0', '1'])
    assert.equal(batches.at(-1)?.nextOffset, 2n)
  })

  test('moves over markers, gaps and emptied batches with an empty batch', () => {
    const log = Buffer.concat(buildLog([data(1n, 'a1', 'a2'), abort(1n)], 100n))
    const aborted = [{ producerId: 1n, firstOffset: 100n }]
    const batches = readAll(new LogSlice(part(log, { aborted }), 40n, defaultLimits))
    assert.deepEqual(
      batches.map(({ firstOffset, nextOffset, records }) => [firstOffset, nextOffset, records.length]),
      [[40n, 103n, 0]],
    )
  })

  test('ignores a last batch that is cut off', () => {
    const log = Buffer.concat(buildLog([{ keys: ['0'] }, { keys: ['1'] }]))
    const batches = readAll(new LogSlice(part(log.subarray(0, -1)), 0n, defaultLimits))
    assert.deepEqual(keys(batches), ['0'])
    assert.equal(batches.at(-1)?.nextOffset, 1n)
  })

  test('gives what is good before it reports what is damaged', () => {
    const log = Buffer.concat(buildLog([{ keys: ['0'] }, { keys: ['1'] }]))
    log[log.length - 1] = 0xff
    const slice = new LogSlice(part(log), 0n, defaultLimits)
    assert.equal(slice.next()?.nextOffset, 1n)
    assert.throws(() => slice.next(), CorruptBatchError)
    assert.equal(slice.drained, false)
  })

  test('checks the CRC of aborted batches, too', () => {
    const [bad, marker] = buildLog([data(1n, 'a1'), abort(1n)]) as [Buffer, Buffer]
    bad[bad.length - 1] = 0xff
    const slice = new LogSlice(
      part(Buffer.concat([bad, marker]), { aborted: [{ producerId: 1n, firstOffset: 0n }] }),
      0n,
      defaultLimits,
    )
    assert.throws(() => slice.next(), CorruptBatchError)
  })

  test('refuses a batch that decompresses beyond the limit', () => {
    const log = encodeBatch([{ key: null, value: Buffer.alloc(1_000_000) }], { compression: 'zstd', now: 0n })
    const slice = new LogSlice(part(log), 0n, { ...defaultLimits, maxDecompressed: 100_000 })
    assert.throws(() => slice.next(), CorruptBatchError)
  })
})
