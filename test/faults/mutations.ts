// Breaks the engine in a copy of this checkout, in each of the ways below, and shows which chaos run and which suite notices, and how
// fast. node test/faults/mutations.ts [NAME…]. Exit code 1 when one stays unseen, or when the unbroken copy fails.
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../../bin/sources.ts'
import { textTable } from '../../src/cli/table.ts'
import { withStack } from '../stack.ts'
import { runChaos, runSuite, type Seen } from './checks.ts'
import { type Mutation, mutations } from './mutation-list.ts'

const copied = ['bin', 'commands', 'schemas', 'src', 'test', 'package.json']
const { positionals } = parseArgs({ allowPositionals: true })
const unknown = positionals.filter((name) => !mutations.some((mutation) => mutation.name === name))
if (unknown.length > 0)
  throw new Error(
    `no mutation ${unknown.join(', ')}; there are: ${mutations.map(({ name }) => name).join(', ')}`,
  )
const chosen = mutations.filter(({ name }) => positionals.length === 0 || positionals.includes(name))

const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopped.abort())

const rows: string[][] = []
let unseen = 0
await withStack(async () => {
  for (const mutation of chosen) {
    if (stopped.signal.aborted) return
    const before = await inCopy({ ...mutation, edits: [] }, check)
    const after = await inCopy(mutation, check)
    if (before.some(({ failed }) => failed) || !after.some(({ failed }) => failed)) unseen++
    for (const [i, seen] of after.entries()) rows.push([mutation.name, ...rowOf(before[i], seen)])
    process.stdout.write(`${mutation.name}: ${after.map(({ what, text }) => `${what} ${text}`).join('; ')}\n`)
  }
})
const head = ['mutation', 'check', 'unbroken', 'broken', 'after']
process.stdout.write(`\n${textTable(head, rows)}\n`)
if (stopped.signal.aborted) process.exitCode = 130
else if (unseen > 0) process.exitCode = 1

async function check(dir: string, { chaos, suite }: Mutation): Promise<Seen[]> {
  return [await runChaos(dir, chaos, stopped.signal), await runSuite(dir, suite, stopped.signal)]
}

function rowOf(before: Seen | undefined, { what, text, seconds }: Seen): string[] {
  return [what, before?.text ?? '', text, `${seconds.toFixed(1)} s`]
}

/** A copy of the checkout with the mutation's edits; removed after `use`. */
async function inCopy<T>(
  mutation: Mutation,
  use: (dir: string, mutation: Mutation) => Promise<T>,
): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'etl-mutation-'))
  try {
    for (const name of copied) cpSync(join(root, name), join(dir, name), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'))
    for (const { file, from, to } of mutation.edits) edit(join(dir, file), from, to, mutation.name)
    return await use(dir, mutation)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Throws when the text to replace is not there exactly once: the code has changed, and the mutation must follow. */
function edit(file: string, from: string, to: string, name: string): void {
  const parts = readFileSync(file, 'utf8').split(from)
  if (parts.length !== 2)
    throw new Error(`mutation "${name}": ${file} has its text ${parts.length - 1} times`)
  writeFileSync(file, parts.join(to))
}
