import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { etl, etlJson, startEtl } from '../etl.ts'
import { newTopic } from './clients.ts'
import type { SecureStack } from './stack.ts'

/** Whole jobs through the command line. */
export function describeJobs(stack: SecureStack): void {
  describe('a full job', () => {
    const schema = {
      type: 'record',
      name: 'Row',
      fields: [
        { name: 'id', type: 'long' },
        { name: 'text', type: 'string' },
      ],
    }
    const rows = Array.from({ length: 500 }, (_, id) => `${JSON.stringify({ id, text: `row ${id}` })}\n`)

    async function proven(args: string[], records: number, options: object): Promise<void> {
      const { code, stdout } = await etl(['verify-offsets', ...args], options)
      assert.equal(code, 0, stdout)
      assert.match(stdout, new RegExp(`OK: ${records} records`))
    }

    async function verify(topic: string, env: Record<string, string>, cwd: string): Promise<void> {
      const jobs = ['postgres', 'mysql'].map(async (sink) => {
        await etlJson(['consume', '-t', topic, '-s', sink, '--until-end', '--threads', '1'], { env, cwd })
        await proven(['-t', topic, '-s', sink], rows.length, { env, cwd })
      })
      await Promise.all(jobs)
    }

    test('by client certificate and SCRAM, with TLS to registry and databases, and no configuration', async () => {
      const { env } = stack
      const topic = newTopic('job')
      const avsc = stack.write('job.avsc', JSON.stringify(schema))
      await etlJson(['apply', '-t', topic, '--schema', avsc, '-k', 'id'], { env, cwd: stack.dir })
      const produced = await etlJson(['produce', stack.write('job.ndjson', rows.join('')), '-t', topic], {
        env,
        cwd: stack.dir,
      })
      assert.equal(produced.sent ?? produced.totals?.sent, rows.length)
      await verify(topic, env, stack.dir)
    })

    test('by OAUTHBEARER, whose tokens end and are replaced while it writes', async () => {
      const endpoint = await stack.tokenEndpoint(3)
      const env = { ETL_KAFKA_TOKEN_URL: endpoint.url }
      const config = ['-c', join(stack.files.folder, 'oauth.yaml')]
      const topic = newTopic('oauth')
      const avsc = stack.write('oauth.avsc', JSON.stringify(schema))
      await etlJson(['apply', ...config, '-t', topic, '--schema', avsc, '-k', 'id'], { env, cwd: stack.dir })
      const before = endpoint.issued.length
      const fifo = startEtl(['produce', ...config, '-', '-t', topic, '--threads', '1', '--json'], {
        env,
        cwd: stack.dir,
        keepOpen: true,
      })
      let sent = 0
      // Its two threads ask for a token each; what comes after are refreshes.
      for (; sent < 150 && endpoint.issued.length < before + 4; sent++) {
        fifo.child.stdin?.write(rows[sent] ?? '')
        await sleep(100)
      }
      fifo.child.stdin?.end()
      const { code, stdout, stderr } = await fifo.output
      assert.equal(code, 0, stdout + stderr)
      assert(endpoint.issued.length >= before + 4, `${endpoint.issued.length - before} tokens`)
      await etlJson(['consume', ...config, '-t', topic, '-s', 'postgres', '--until-end', '--threads', '1'], {
        env,
        cwd: stack.dir,
      })
      await proven([...config, '-t', topic, '-s', 'postgres'], sent, { env, cwd: stack.dir })
    })
  })
}
