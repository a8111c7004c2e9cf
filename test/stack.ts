import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { progressLine } from '../src/cli/progress.ts'
import { stackDown } from '../src/stack/down.ts'
import { UpProgress } from '../src/stack/progress.ts'
import { serviceNames, stateFile } from '../src/stack/state.ts'
import { stackUp } from '../src/stack/up.ts'

/**
 * Calls `use` while a stack runs whose state `ETL_STACK_STATE` names: the one that the variable names already,
 * which then stays up, or a new one in a temporary folder, which is taken down and deleted whatever happens.
 */
export async function withStack<T>(use: () => Promise<T>): Promise<T> {
  if (process.env.ETL_STACK_STATE) return await use()
  const dir = mkdtempSync(join(tmpdir(), 'etl-test-'))
  const note = (text: string) => process.stderr.write(`${text}\n`)
  try {
    const display = progressLine(process.stderr)
    const reporter = new UpProgress(display)
    await stackUp({ dir, services: serviceNames, ports: {}, fast: true, reporter }).finally(() =>
      display.done(),
    )
    process.env.ETL_STACK_STATE = stateFile(dir)
    return await use()
  } finally {
    await stackDown({ dir, services: serviceNames, purge: true, note })
    rmSync(dir, { recursive: true, force: true })
  }
}
