import assert from 'node:assert/strict'
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { root } from '../integration/etl.ts'
import { ran, removeTemporaryFolders, temporaryFolder } from './shipped.ts'

after(removeTemporaryFolders)

/** A project with our rules and these files; returns the names of the rules that they break, sorted. */
async function broken(files: Record<string, string>): Promise<string[]> {
  const cwd = temporaryFolder('arrows')
  cpSync(join(root, '.dependency-cruiser.mjs'), join(cwd, '.dependency-cruiser.mjs'))
  symlinkSync(join(root, 'node_modules'), join(cwd, 'node_modules'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, name)), { recursive: true })
    writeFileSync(join(cwd, name), text)
  }
  const depcruise = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs')
  const args = [depcruise, '--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'src']
  const { stdout } = await ran(process.execPath, args, { cwd, env: process.env })
  const { summary } = JSON.parse(stdout) as { summary: { violations: { rule: { name: string } }[] } }
  return [...new Set(summary.violations.map(({ rule }) => rule.name))].sort()
}

const target = { 'src/sink/sink.ts': 'export interface Sink { x: number }\nexport const y: number = 1\n' }

/** TypeScript 7 has no API for tools, so nothing is certain here until it is seen. */
for (const [kind, text] of Object.entries({
  'an import': "import { y } from '../sink/sink.ts'\nexport const z = y\n",
  'a type-only import': "import type { Sink } from '../sink/sink.ts'\nexport type Z = Sink\n",
  'a re-export': "export { y } from '../sink/sink.ts'\n",
  'an import() at run time': "export const load = () => import('../sink/sink.ts')\n",
})) {
  test(`${kind} against the arrows is seen`, async () => {
    assert.deepEqual(await broken({ ...target, 'src/telemetry/up.ts': text }), [
      'telemetry-imports-downwards',
    ])
  })
}

test('a vendor outside of its part, and a circle, are seen', async () => {
  const files = {
    'src/engine/a.ts':
      "import { b } from './b.ts'\nimport { Kafka } from 'kafkajs'\nexport const a = [b, Kafka]\n",
    'src/engine/b.ts': "import { a } from './a.ts'\nexport const b = a\n",
  }
  assert.deepEqual(await broken(files), ['no-circular', 'only-kafka-knows-kafkajs'])
})

test('what follows the arrows passes', async () => {
  const files = { ...target, 'src/engine/a.ts': "export { y } from '../sink/sink.ts'\n" }
  assert.deepEqual(await broken(files), [])
})
