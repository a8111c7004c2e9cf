import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { UnreachableError } from '../../src/errors.ts'
import { openSink } from '../../src/sink/open.ts'
import { Letters, rejection, request, rowOf } from './dlq-letters.ts'
import { appendTable, batch, booksOf, claim, owner, preparePlace, row, storedIds } from './sink/fixtures.ts'
import { CommitProxy } from './sink/proxy.ts'

for (const kind of ['postgres', 'mysql'] as const)
  describe(`replay of dead letters: ${kind}`, () => {
    let letters: Letters

    before(async () => {
      letters = await Letters.open(kind)
    })
    after(() => letters.close())

    it('gives a letter back as it was written, in pages', async () => {
      const place = await letters.write(3)
      const [first] = await letters.pending(place)
      assert.deepEqual(first?.record, rejection(0n).record)
      assert.deepEqual(
        [first?.schemaId, first?.errorClass, first?.message, first?.attempts, first?.replayedAt],
        [7, 'decode', 'no such field', 1, null],
      )
      assert(Math.abs(Date.now() - (first?.createdAt.getTime() ?? 0)) < 60_000)
      const query = { topic: place.topic, group: place.group, state: 'pending' } as const
      const second = await letters.sink.letters(query, { limit: 1, after: { partition: 0, offset: 0n } })
      assert.deepEqual(
        second.map((letter) => letter.record.offset),
        [1n],
      )
    })

    it('filters by partition, offset, class, age and attempts', async () => {
      const place = await letters.write(3)
      const count = async (filter: object) =>
        (
          await letters.sink.letters(
            { topic: place.topic, group: place.group, state: 'all', ...filter },
            { limit: 100 },
          )
        ).length
      const hour = 3_600_000
      assert.deepEqual(
        [
          await count({ partitions: [0, 1] }),
          await count({ partitions: [1] }),
          await count({ offset: 2n }),
          await count({ errorClasses: ['data', 'decode'] }),
          await count({ errorClasses: ['data'] }),
          await count({ since: new Date(Date.now() - hour) }),
          await count({ since: new Date(Date.now() + hour) }),
          await count({ attemptsBelow: 1 }),
        ],
        [3, 0, 1, 3, 0, 3, 0, 0],
      )
    })

    it('stores rows with their own provenance and marks the letters, in the books too', async () => {
      const place = await letters.write(3)
      const receipt = await letters.sink.replay(request(place, await letters.pending(place)))
      assert.deepEqual(receipt, { stored: [0n, 1n, 2n], superseded: [], failed: [], changed: [] })
      const rows = await letters.database.sql(
        `SELECT id, kafka_partition, kafka_offset FROM "${place.spec.table}" ORDER BY id`,
      )
      assert.deepEqual(rows[2], ['2', '0', '2'])
      assert.deepEqual(await letters.pending(place), [])
      const books = await booksOf(letters.sink, place)
      assert.deepEqual(books.letters.get(0), { pending: 0n, stored: 3n, superseded: 0n })
    })

    it('counts one attempt more, with the new reason, for what is refused again', async () => {
      const place = await letters.write(4)
      const all = await letters.pending(place)
      const rows = [rowOf(0n), rowOf(1n, 'longer than ten'), rowOf(2n)]
      const rejected = [{ ...rejection(3n), message: 'still no such field' }]
      const receipt = await letters.sink.replay(request(place, all, { rows, rejected }))
      assert.deepEqual(receipt.stored, [0n, 2n])
      assert.deepEqual(
        receipt.failed.map((letter) => letter.record.offset),
        [3n, 1n],
      )
      assert.deepEqual(await letters.states(place), [
        ['0', '1', 'stored'],
        ['1', '2', null],
        ['2', '1', 'stored'],
        ['3', '2', null],
      ])
      const [one, three] = await letters.pending(place)
      assert.deepEqual([one?.errorClass, three?.message], ['data', 'still no such field'])
      assert.deepEqual(await storedIds(letters.database, place.spec), ['0', '2'])
    })

    it('does nothing for letters that another run has replayed or tried since', async () => {
      const place = await letters.write(3)
      const all = await letters.pending(place)
      await letters.sink.replay(request(place, all.slice(0, 1)))
      await letters.sink.replay(request(place, all.slice(1, 2), { rows: [], rejected: [rejection(1n)] }))
      const receipt = await letters.sink.replay(request(place, all))
      assert.deepEqual([receipt.stored, receipt.changed], [[2n], [0n, 1n]])
      assert.deepEqual(await storedIds(letters.database, place.spec), ['0', '2'])
    })

    it('stores a record once when two runs replay the same letters at once', async () => {
      // Without a key nothing but the letters' locks keeps a row from being stored twice.
      const place = await letters.write(30, {}, { ...appendTable(), provenance: false })
      const all = await letters.pending(place)
      const receipts = await Promise.all([1, 2, 3].map(() => letters.sink.replay(request(place, all))))
      assert.equal(
        receipts.reduce((sum, { stored }) => sum + stored.length, 0),
        30,
      )
      assert.equal((await storedIds(letters.database, place.spec)).length, 30)
    })

    for (const fault of ['unsent', 'unanswered'] as const)
      it(`stores a record once when COMMIT is ${fault}`, async () => {
        const place = await letters.write(3, {}, { ...appendTable(), provenance: false })
        const { proxy, config } = await CommitProxy.open(letters.database.config)
        const far = openSink(config)
        proxy.arm(fault)
        const receipt = await far.replay(request(place, await letters.pending(place)))
        assert.equal(proxy.triggered, 1)
        assert.deepEqual(receipt.stored, [0n, 1n, 2n])
        assert.deepEqual(await storedIds(letters.database, place.spec), ['0', '1', '2'])
        assert.deepEqual(await letters.pending(place), [])
        await far.close()
        await proxy.close()
      })

    it('says so when the outcome stays unknown, and the next run stores nothing twice', async () => {
      const place = await letters.write(3, {}, { ...appendTable(), provenance: false })
      const { proxy, config } = await CommitProxy.open(letters.database.config)
      const far = openSink(config)
      proxy.arm('unanswered', true)
      const all = await letters.pending(place)
      await assert.rejects(far.replay(request(place, all)), (error: Error) => {
        assert(error instanceof UnreachableError)
        assert.match(error.message, /not known whether 3 letters were replayed/)
        return true
      })
      proxy.heal()
      assert.deepEqual((await far.replay(request(place, all))).changed, [0n, 1n, 2n])
      assert.deepEqual(await storedIds(letters.database, place.spec), ['0', '1', '2'])
      await far.close()
      await proxy.close()
    })

    it('makes a letter pending again when its record is read and refused again', async () => {
      const place = await letters.write(1)
      await letters.sink.replay(request(place, await letters.pending(place)))
      const lane = await claim(letters.sink, place)
      await letters.database.sql(`UPDATE kafka_offsets SET "offset" = 0 WHERE topic = '${place.topic}'`)
      await lane.release()
      const again = await claim(letters.sink, place)
      await again.commit(batch(0n, [], { rejected: [rejection(0n)] }))
      await again.release()
      assert.deepEqual(await letters.states(place), [['0', '2', null]])
      assert.equal((await letters.pending(place)).length, 1)
    })

    it('shows dead letters to the owner before they are committed, and commits nothing that the owner refuses', async () => {
      const place = await preparePlace(letters.sink)
      const told: bigint[][] = []
      const refusal = new UnreachableError('the topic does not take them')
      const lane = await letters.sink.claim(
        { topic: place.topic, partition: 0 },
        owner(place, {
          onDeadLetters: async (_, refused) => {
            told.push(refused.map((letter) => letter.record.offset))
            assert.deepEqual(await letters.pending(place), [])
            if (told.length === 1) throw refusal
          },
        }),
      )
      const rows = [row(0n, [0n, 'fits']), row(1n, [1n, 'longer than ten'])]
      const both = batch(0n, rows, { rejected: [rejection(2n)] })
      await assert.rejects(lane.commit(both), refusal)
      assert.deepEqual([await storedIds(letters.database, place.spec), lane.nextOffset], [[], 0n])
      await lane.commit(both)
      await lane.commit(batch(3n, [row(3n, [3n, 'fits'])]))
      await lane.release()
      assert.deepEqual(told, [
        [2n, 1n],
        [2n, 1n],
      ])
      assert.deepEqual(await storedIds(letters.database, place.spec), ['0', '3'])
      assert.equal((await letters.pending(place)).length, 2)
    })

    it('adds what an older table lacks', async () => {
      const { table } = appendTable()
      for (const column of ['replayed_at', 'replay_id', 'outcome'])
        await letters.database.sql(`ALTER TABLE etl_dead_letters DROP COLUMN ${column}`)
      const spec = appendTable(table)
      const changes = await letters.sink.plan(spec)
      assert.deepEqual(
        changes.filter(({ object }) => object.includes('etl_dead_letters')).map(({ object }) => object),
        ['replayed_at', 'replay_id', 'outcome'].map((name) => `column etl_dead_letters.${name}`),
      )
      await letters.sink.apply(changes)
      assert.deepEqual(await letters.sink.plan(spec), [])
    })
  })
