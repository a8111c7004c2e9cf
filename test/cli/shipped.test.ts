import assert from 'node:assert/strict'
import { copyFileSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import pjson from '../../package.json' with { type: 'json' }
import { findStateFile } from '../../src/stack/state.ts'
import { Workspace } from '../integration/workspace.ts'
import {
  builtBinary,
  installedPackage,
  must,
  ran,
  removeTemporaryFolders,
  temporaryFolder,
  type Where,
} from './shipped.ts'

const workspace = new Workspace('shipped')
after(async () => {
  removeTemporaryFolders()
  await workspace.remove()
})

suite('the single binary, alone in an empty folder, without PATH', () => {
  const cwd = temporaryFolder('binary')
  const etl = join(cwd, 'etl')
  const where = { cwd, env: {} }

  before(async () => copyFileSync(await builtBinary(), etl))

  checkSurface(etl, where)
  checkWholeJob('binary', etl, where)

  test('leaves nothing behind in the folder', () => {
    assert.deepEqual(readdirSync(cwd), ['etl'])
  })
})

suite('the npm package, installed from its tarball into an empty project', () => {
  const where: Where = { cwd: temporaryFolder('anywhere'), env: { PATH: dirname(process.execPath) } }
  let bin = ''

  before(async () => {
    bin = await installedPackage()
  })

  test('is one package: what it was tested with is inside, nothing else is installed', () => {
    const modules = join(dirname(bin), '..')
    const packages = readdirSync(modules).filter((name) => !name.startsWith('.'))
    assert.deepEqual(packages, [pjson.name])
    assert.match(
      readFileSync(join(modules, pjson.name, 'dist/THIRD-PARTY-NOTICES.txt'), 'utf8'),
      /^kafkajs 2\.2\.4/m,
    )
  })

  checkSurface(() => bin, where)
  checkWholeJob('package', () => bin, where)
})

type Program = string | (() => string)

function path(program: Program): string {
  return typeof program === 'string' ? program : program()
}

function checkSurface(program: Program, where: Where): void {
  test('--version names the version and the Node inside', async () => {
    const { stdout, stderr } = await must(path(program), ['--version'], where)
    assert.equal(stdout, `etl/${pjson.version} ${process.platform}-${process.arch} node-${process.version}\n`)
    assert.equal(stderr, '')
  })

  test('--help lists the commands, help of each is as from the sources', async () => {
    const { stdout, stderr } = await must(path(program), ['--help'], where)
    assert.match(stdout, /^ {2}verify-offsets {2,}\S/m)
    assert.equal(stderr, '')
    const help = await must(path(program), ['schema', 'gen', '--help'], where)
    assert.match(help.stdout, /EXAMPLES.*\$ etl schema gen .*USAGE.*GLOBAL FLAGS/s)
  })

  test('an error has its exit code, its next step, and no stack trace', async () => {
    const missing = await ran(path(program), ['schema', 'gen', 'missing.json'], where)
    assert.equal(missing.code, 2)
    assert.match(missing.stderr, /^Error: .*\n {2}where: missing\.json\n/)
    assert.doesNotMatch(missing.stderr, /^\s+at /m)
    const typo = await ran(path(program), ['shcema', 'gen', '--json'], where)
    assert.equal(typo.code, 2)
    assert.equal(JSON.parse(typo.stdout).error.next, 'etl schema gen --help')
  })
}

/** Producing and consuming run in worker threads: this is where a bundle without them would break. */
function checkWholeJob(name: string, program: Program, { cwd, env }: Where): void {
  test('produces and consumes in worker threads, and verifies', async () => {
    const where = { cwd, env: { ...env, ETL_STACK_STATE: findStateFile() } }
    const schema = workspace.schema(name, [
      { name: 'id', type: 'long' },
      { name: 'text', type: ['null', 'string'], default: null },
    ])
    const job = ['--topic', workspace.topic(name), '--sink', 'postgres']
    const etl = (...args: string[]) => must(path(program), args, where)
    await etl('apply', ...job, '--schema', schema, '--key', 'id', '--partitions', '2')
    const [generate, threads] = [
      ['--generate', '2000', '--unique', 'id'],
      ['--threads', '2'],
    ]
    await etl('produce', ...job.slice(0, 2), '--key', 'id', ...generate, ...threads)
    const consumed = await etl('consume', ...job, '--until-end', ...threads, '--json')
    assert.equal(JSON.parse(consumed.stdout).written, 2000)
    await etl('verify-offsets', ...job)
  })
}
