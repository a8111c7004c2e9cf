// npm test: one real stack for the whole run, then every test file. node test/run.ts [--unit] [FILE…]
import { globSync } from 'node:fs'
import { relative } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { parseArgs } from 'node:util'
import { root } from '../bin/sources.ts'
import { withStack } from './stack.ts'

const { values, positionals } = parseArgs({ options: { unit: { type: 'boolean' } }, allowPositionals: true })

const folders = values.unit ? ['unit'] : ['unit', 'integration', 'cli']
const all = globSync(
  folders.map((folder) => `test/${folder}/**/*.test.ts`),
  { cwd: root },
).sort()
const files = positionals.length > 0 ? globSync(positionals).map((file) => relative(root, file)) : all
const needsStack = files.some((file) => !file.startsWith('test/unit/'))
/** A file that takes longer hangs; the whole run has 25 minutes. */
const fileTimeout = 10 * 60_000

const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopped.abort())

const totals = needsStack ? await withStack(runFiles) : await runFiles()
const { passed, failed, left } = totals
process.stdout.write(`${passed} passed, ${failed} failed\n`)
if (stopped.signal.aborted) process.exitCode = 130
else if (failed > 0 || left > 0 || passed === 0) process.exitCode = 1

/** Runs the files, prints the report, and counts; tests that were skipped or left for later count as `left`. */
async function runFiles(): Promise<{ passed: number; failed: number; left: number }> {
  const totals = { passed: 0, failed: 0, left: 0 }
  const tests = run({ files, cwd: root, concurrency: 2, timeout: fileTimeout, signal: stopped.signal })
  tests.on('test:summary', ({ file, counts }) => {
    if (file !== undefined) return
    totals.passed = counts.passed
    totals.left = counts.skipped + counts.todo
    totals.failed = counts.tests - counts.passed - totals.left
  })
  for await (const text of tests.compose(spec)) process.stdout.write(text)
  return totals
}
