import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { kinds } from './databases.ts'
import { etl, etlJson, startEtl } from './etl.ts'
import { type OwnServer, ownServer } from './sink/own-server.ts'
import { Workspace } from './workspace.ts'

for (const kind of kinds)
  describe(`a database server in trouble, ${kind}`, { concurrency: false }, () => {
    let work: Workspace
    let server: OwnServer

    before(async () => {
      work = new Workspace(`trouble_${kind}`)
      server = await ownServer(kind)
    })
    after(async () => {
      await server?.dispose()
      await work.remove()
    })

    /** As after a failover that made it a replica, and back. */
    const readOnly = async () => {
      if (kind === 'mysql') await server.admin('SET GLOBAL read_only = 1')
      else {
        await server.stop()
        await server.standby()
        await server.start()
      }
    }
    const writable = () => server.admin(kind === 'mysql' ? 'SET GLOBAL read_only = 0' : 'SELECT pg_promote()')

    it('read-only, then killed: nothing becomes a dead letter, and every lane goes on', async () => {
      const topic = work.topic('trouble')
      const { user, password, host, port, database } = server.config
      const url = `${kind}://${user}:${password}@${host}:${port}/${database}`
      const env = { [`ETL_${kind.toUpperCase()}_URL`]: url }
      const schema = work.schema(topic, [{ name: 'id', type: 'long' }])
      await etlJson(['apply', '-t', topic, '--schema', schema, '-s', kind, '-p', '4'], { env })
      const generate = () => etlJson(['produce', '-t', topic, '--generate', '500', '--seed', '1'])
      const consumer = startEtl(['consume', '-t', topic, '-s', kind, '--threads', '2', '--json'], { env })
      let stderr = ''
      consumer.child.stderr?.on('data', (text: string) => {
        stderr += text
      })
      const until = async (done: () => Promise<boolean> | boolean) => {
        while (!(await done())) {
          assert.equal(consumer.child.exitCode, null, stderr)
          await sleep(100)
        }
      }
      const stored = (rows: number) =>
        until(async () => Number((await server.sql(`SELECT count(*) FROM "${topic}"`))[0]?.[0]) === rows)
      const said = (text: string, times: number) => until(() => stderr.split(text).length > times)

      await generate()
      await stored(500)
      await readOnly()
      await generate()
      await said('database away: ', 1)
      await writable()
      await stored(1_000)
      await said('database back after ', 1)

      await server.kill()
      await generate()
      await said('database away: ', 2)
      await server.start()
      await stored(1_500)
      await said('database back after ', 2)

      consumer.child.kill('SIGTERM')
      const { code, stdout } = await consumer.output
      const result = JSON.parse(stdout)
      assert.deepEqual([code, result.written, result.deadLettered], [0, 1_500, 0])
      const verified = await etl(['verify-offsets', '-t', topic, '-s', kind, '--json'], { env })
      assert.equal(verified.code, 0, verified.stdout)
    })
  })
