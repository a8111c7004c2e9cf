import assert from 'node:assert/strict'
import { dirname } from 'node:path'
import { after, before, suite, test } from 'node:test'
import avsc from 'avsc'
import { encodeWireFormat } from '../../src/schema/wire-format.ts'
import { findStateFile } from '../../src/stack/state.ts'
import { type Database, openDatabase } from '../integration/databases.ts'
import { abortHistories } from '../integration/kafka/contract/transactions.ts'
import { type TransactionalMessage, TransactionalWriter } from '../integration/kafka/fixture.ts'
import { servers } from '../integration/servers.ts'
import { Workspace } from '../integration/workspace.ts'
import { installedPackage, must, removeTemporaryFolders, temporaryFolder } from './shipped.ts'

const fields = [{ name: 'text', type: 'string' }] as const
const avro = avsc.Type.forSchema({ type: 'record', name: 'Row', namespace: 'com.exam', fields: [...fields] })

const workspace = new Workspace('shipped_transactions')

/**
 * Who installs the npm package gets the reader that hides aborted records: nothing is patched in node_modules, so there is nothing that an
 * install could leave out.
 */
suite('the npm package, installed from its tarball into an empty project, stores committed records only', () => {
  const where = {
    cwd: temporaryFolder('anywhere'),
    env: { PATH: dirname(process.execPath), ETL_STACK_STATE: findStateFile() },
  }
  let bin = ''
  let database: Database

  before(async () => {
    bin = await installedPackage()
    database = await openDatabase('postgres')
  })
  after(async () => {
    await database?.close()
    removeTemporaryFolders()
    await workspace.remove()
  })

  const letterOf = (history: string) => history.slice(0, 1)
  const etl = (command: string, topic: string, ...args: string[]) =>
    must(bin, [command, '--topic', topic, '--sink', 'postgres', ...args], where)

  /** A topic with its schema and table; `write` sends texts to it as Avro, in transactions of kafkajs's own producers. */
  async function prepare(
    t: { after(clean: () => unknown): void; diagnostic(text: string): void },
    name: string,
  ) {
    const topic = workspace.topic(name)
    await etl('apply', topic, '--schema', workspace.schema(name, fields), '--partitions', '1')
    const answer = await fetch(`${servers().registryUrl}/subjects/${topic}-value/versions/latest`)
    const { id } = (await answer.json()) as { id: number }
    const writer = new TransactionalWriter(t, topic)
    const encoded = (message: TransactionalMessage) => {
      const text = String(message.value)
      return { ...message, name: text, value: encodeWireFormat(id, avro.toBuffer({ text })) }
    }
    const write = {
      send: (producer: string, messages: readonly TransactionalMessage[]) =>
        writer.send(producer, messages.map(encoded)),
      end: (producer: string, how: 'commit' | 'abort') => writer.end(producer, how),
    }
    const stored = async () => (await database.rows(`SELECT text FROM ${database.quote(topic)}`)).flat()
    return { topic, writer, write, stored }
  }

  for (const [history, happen] of Object.entries(abortHistories)) {
    test(`abort case ${history}`, async (t) => {
      const { topic, writer, write, stored } = await prepare(t, letterOf(history))
      await happen(write)
      await writer.settledEnd()
      await etl('consume', topic, '--until-end')
      assert.deepEqual((await stored()).sort(), writer.committedFrom(0n).sort())
      await etl('verify-offsets', topic)
    })
  }

  test("abort case a': the same as a, begun in the middle of the aborted transactions", async (t) => {
    const { topic, writer, write, stored } = await prepare(t, 'middle')
    await write.send('first', [{ value: 'first' }])
    await write.end('first', 'commit')
    await writer.settledEnd()
    await etl('consume', topic, '--until-end') // makes the row of the offset, which is 2 now
    await abortHistories['a: two overlapping aborted transactions'](write)
    await writer.settledEnd()
    const from = 7n // five records of a and b are before it, five after it, and all of c
    await database.rows(`UPDATE kafka_offsets SET "offset" = ${from} WHERE topic = '${topic}'`)
    await etl('consume', topic, '--until-end')
    assert.deepEqual(await stored(), ['first', ...writer.committedFrom(from)])
    assert.equal(writer.committedFrom(from).length, 2)
  })
})
