// Builds dist/: the bundle (etl.cjs, worker.cjs) that the npm package holds, and from the same bytes the
// single binary (etl). node bin/build.ts [--out DIR] [--bundle-only]
import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildBinary } from './build/binary.ts'
import { buildBundle } from './build/bundle.ts'
import { root } from './sources.ts'

const { values } = parseArgs({
  options: { out: { type: 'string', default: join(root, 'dist') }, 'bundle-only': { type: 'boolean' } },
})
const out = resolve(values.out)
if (!values['bundle-only']) rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
await buildBundle(out)
if (!values['bundle-only']) buildBinary(out)
