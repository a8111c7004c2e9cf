import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, test } from 'node:test'
import { ExitCode } from '../../../src/errors.ts'
import { passwordOf } from '../../../src/stack/secure/files.ts'
import { readStackState, stateFile } from '../../../src/stack/state.ts'
import { stackStatus } from '../../../src/stack/status.ts'
import { etl } from '../etl.ts'
import type { SecureStack } from './stack.ts'

/** What `etl stack up --secure` leaves on disk, and who gets in. */
export function describeShape(stack: SecureStack): void {
  describe('the secured stack', () => {
    test('keeps its secrets in files of its owner', async () => {
      const { files } = stack
      assert.equal(statSync(files.folder).mode & 0o777, 0o700)
      for (const path of [
        files.caKey,
        files.serverKey,
        files.tokenKey,
        files.users.etl.password,
        stateFile(stack.dir),
      ]) {
        assert.equal(statSync(path).mode & 0o777, 0o600, path)
      }
      assert.equal(statSync(dirname(files.folder)).mode & 0o066, 0, 'nobody lists or changes .etl')
      const state = JSON.stringify(readStackState(stack.dir))
      assert(!state.includes(passwordOf(files, 'etl')))
      const states = (await stackStatus(stack.dir)).map(({ service, state }) => [service, state])
      assert.deepEqual(
        states,
        ['kafka', 'registry', 'mysql', 'postgres', 'gate'].map((name) => [name, 'running']),
      )
    })

    test('lets nobody into the registry without a password', async () => {
      const url = `${readStackState(stack.dir)?.services.registry?.url}`
      const asGuest = {
        ETL_REGISTRY_USERNAME: 'etl',
        ETL_REGISTRY_PASSWORD: 'wrong-password',
        ETL_REGISTRY_TLS_CA: stack.files.ca,
      }
      const { code, stdout } = await etl(
        [
          'schema',
          'register',
          stack.write('r.avsc', '"string"'),
          '--subject',
          'r',
          '--registry-url',
          url,
          '--json',
        ],
        { env: asGuest, cwd: stack.dir },
      )
      assert.equal(code, ExitCode.unreachable, stdout)
      assert.doesNotMatch(stdout, /wrong-password/)
    })
  })
}
