import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import pjson from '../../package.json' with { type: 'json' }
import { loadConfig } from '../../src/cli/program.ts'
import { commandFiles, programFromSources, root } from '../sources.ts'
import { thirdPartyNotices } from './notices.ts'

/**
 * Writes `etl.cjs` (the entry), `program.cjs` and `worker.cjs`: everything bundled, so that users of the npm package run exactly
 * the clients that were tested, and one install brings one package. CommonJS because the single
 * binary runs only that; modules are still evaluated lazily, at the first `import()` that reaches them.
 */
export async function buildBundle(out: string): Promise<void> {
  const manifest = join(out, 'oclif.manifest.json')
  writeFileSync(manifest, JSON.stringify(await commandManifest()))
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { etl: 'bin/main.ts', program: 'etl:program', worker: 'src/worker.ts' },
    outdir: out,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    target: 'node22.15',
    format: 'cjs',
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 160,
    metafile: true,
    logLevel: 'warning',
    logOverride: { 'empty-import-meta': 'error' },
    define: { 'import.meta.filename': '__filename' },
    // The single binary has no module loader: every import() becomes a lazy function call.
    supported: { 'dynamic-import': false },
    external: ['pg-native'],
    // mvn-artifact-url asks for node-fetch 2, which warns of punycode; Node has fetch.
    alias: { 'node-fetch': join(root, 'bin/build/node-fetch.cjs') },
    plugins: [
      {
        name: 'etl-program',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^etl:program$/ }, ({ path }) => ({ path, namespace: 'etl' }))
          onLoad({ filter: /.*/, namespace: 'etl' }, () => ({
            contents: programSource(manifest),
            loader: 'ts',
            resolveDir: root,
          }))
        },
      },
    ],
  })
  writeFileSync(join(out, 'THIRD-PARTY-NOTICES.txt'), thirdPartyNotices(root, Object.keys(metafile.inputs)))
}

/** What oclif knows of every command, as JSON: defaults and texts only, no functions. */
async function commandManifest(): Promise<object> {
  const config = await loadConfig({ ...programFromSources(), strict: true })
  return Object.fromEntries(config.commands.map(({ load: _, ...cached }) => [cached.id, cached]))
}

/** Source of `program.cjs`: a static table of commands, each loaded when it is called, and the manifest. */
function programSource(manifest: string): string {
  const { name, version, description, oclif } = pjson
  const table = [...commandFiles()].map(
    ([id, file]) => `[${JSON.stringify(id)}, () => import(${JSON.stringify(file)})]`,
  )
  return `
    import manifest from ${JSON.stringify(manifest)}
    import { runProgram } from './src/cli/program.ts'
    const pjson = ${JSON.stringify({ name, version, description, oclif })}
    const commands = new Map([${table.join(',\n')}])
    export const run = (argv) => runProgram(argv, { pjson, commands, manifest, root: process.cwd() })
  `
}
