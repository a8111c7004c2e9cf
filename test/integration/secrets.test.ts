import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { parse, stringify } from 'yaml'
import { stackDown } from '../../src/stack/down.ts'
import { type SecureFiles, secureFiles } from '../../src/stack/secure/files.ts'
import { readStackState, type StackState, servicesOf, stateFile } from '../../src/stack/state.ts'
import { stackUp } from '../../src/stack/up.ts'
import { type Output, startEtl } from './etl.ts'

const passphrase = 'planted-passphrase-Zx81'
const wrongPassword = 'planted-wrong-password-Qq17'
const topic = 'planted'

/**
 * A whole job, and what can fail in it, on a secured stack, with everything switched on that makes programs talk. What was read of
 * passwords, keys and tokens must be nowhere but in the files that hold them.
 */
describe('secrets stay where they are', { concurrency: false }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'etl-planted-'))
  const work = join(dir, 'work')
  const outputs = new Map<string, Output>()
  let files: SecureFiles
  let state: StackState
  let password: string
  let planted: ReadonlyMap<string, string>

  before(async () => {
    const reporter = { note: () => {}, download: () => {}, ready: () => {} }
    await stackUp({ dir, services: servicesOf(true), ports: {}, fast: true, secure: true, reporter })
    files = secureFiles(dir)
    state = readStackState(dir) as StackState
    password = readFileSync(files.users.etl.password, 'utf8').trim()
    mkdirSync(work)
    const key = createPrivateKey(readFileSync(files.users.etl.key))
    write(
      'etl.key',
      key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }).toString(),
    )
    write('passphrase', passphrase)
    write('r.avsc', JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'id', type: 'int' }] }))
    write('rows.ndjson', Array.from({ length: 200 }, (_, id) => `{"id":${id}}\n`).join(''))
    // Client certificate with an encrypted key, SCRAM, and basic authentication at the registry.
    const config = parse(readFileSync(join(files.folder, 'etl.yaml'), 'utf8'))
    config.kafka.tls = {
      ...config.kafka.tls,
      key: join(work, 'etl.key'),
      passphraseFile: join(work, 'passphrase'),
    }
    write('etl.yaml', stringify(config))
    write('oauth.yaml', readFileSync(join(files.folder, 'oauth.yaml'), 'utf8'))
    planted = new Map(
      Object.entries({
        password,
        'password in a URL': encodeURIComponent(password),
        'password in base64': Buffer.from(password).toString('base64').replace(/=+$/, ''),
        'basic authentication': Buffer.from(`etl:${password}`).toString('base64').replace(/=+$/, ''),
        'wrong password': wrongPassword,
        'wrong basic authentication': Buffer.from(`etl:${wrongPassword}`)
          .toString('base64')
          .replace(/=+$/, ''),
        passphrase,
        'private key': readFileSync(files.users.etl.key, 'utf8').split('\n')[1] ?? '',
        token: 'eyJhbGciOi',
      }),
    )
    for (const [name, secret] of planted) assert(secret.length >= 3, name)
  })

  after(async () => {
    await stackDown({ dir, services: servicesOf(true), purge: true, note: () => {} })
    rmSync(dir, { recursive: true, force: true })
  })

  function write(name: string, text: string): void {
    writeFileSync(join(work, name), text, { mode: 0o600 })
  }

  function start(config: string, args: readonly string[], env: Record<string, string | undefined> = {}) {
    return startEtl(args, {
      cwd: work,
      env: {
        ETL_STACK_STATE: stateFile(dir),
        ETL_CONFIG: join(work, config),
        ETL_DEBUG: '1',
        DEBUG: '*',
        // In the environment besides, as a user may have them.
        ETL_KAFKA_PASSWORD: password,
        ETL_REGISTRY_PASSWORD: password,
        ETL_SINK_PASSWORD: password,
        ...env,
      },
    })
  }

  async function run(
    name: string,
    config: string,
    args: readonly string[],
    env: Record<string, string | undefined> = {},
  ) {
    const output = await start(config, args, env).output
    outputs.set(name, output)
    return output
  }

  /** What of the planted is in `text`. */
  function found(text: string): string[] {
    return [...planted].filter(([, secret]) => text.includes(secret)).map(([name]) => name)
  }

  it('in a job that goes well', async () => {
    const sinks = ['-s', 'postgres', '-s', 'mysql']
    for (const [name, config, args] of [
      ['plan', 'etl.yaml', ['plan', '-t', topic, '--schema', 'r.avsc', ...sinks]],
      ['apply', 'etl.yaml', ['apply', '-t', topic, '--schema', 'r.avsc', ...sinks]],
      ['produce', 'etl.yaml', ['produce', 'rows.ndjson', '-t', topic]],
      ['consume over SCRAM', 'etl.yaml', ['consume', '-t', topic, '-s', 'postgres', '--until-end']],
      [
        'consume over OAUTHBEARER',
        'oauth.yaml',
        ['consume', '-t', topic, '-s', 'mysql', '--until-end', '--json'],
      ],
      ['verify', 'etl.yaml', ['verify-offsets', '-t', topic, ...sinks]],
      ['letters', 'etl.yaml', ['dlq', 'list', '-t', topic, '-s', 'postgres']],
      ['status', 'etl.yaml', ['stack', 'status']],
    ] as const) {
      const { code, stdout, stderr } = await run(
        name,
        config,
        args,
        config === 'oauth.yaml' ? { ETL_KAFKA_PASSWORD: undefined } : {},
      )
      assert.equal(code, 0, `${name}: ${stdout}${stderr}`)
    }
  })

  it('in jobs that fail', async () => {
    const consume = ['consume', '-t', topic, '-s', 'postgres', '--until-end', '--json']
    const unreachable = `postgres://etl@127.0.0.1:9/etl`
    for (const [name, env, args] of [
      ['wrong Kafka password', { ETL_KAFKA_PASSWORD: wrongPassword }, consume],
      ['wrong registry password', { ETL_REGISTRY_PASSWORD: wrongPassword }, consume],
      ['wrong sink password', { ETL_SINK_POSTGRES_PASSWORD: wrongPassword }, consume],
      ['wrong passphrase', { ETL_KAFKA_TLS_KEY_PASSPHRASE: wrongPassword }, consume],
      ['no database', {}, ['verify-offsets', '-t', topic, '-s', unreachable]],
      ['no broker', {}, [...consume, '--brokers', '127.0.0.1:9']],
      [
        'password in the address',
        {},
        ['verify-offsets', '-t', topic, '-s', `postgres://etl:${wrongPassword}@127.0.0.1/etl`],
      ],
      [
        'credentials in the registry address',
        { ETL_REGISTRY_URL: `https://etl:${wrongPassword}@127.0.0.1:9` },
        consume,
      ],
    ] as const) {
      const { code, stdout, stderr } = await run(name, 'etl.yaml', args, env)
      assert([2, 5, 78].includes(code ?? -1), `${name}: ${code} ${stdout}${stderr}`)
    }
  })

  it('in a crash, in its report, and in what ps shows', async () => {
    const go = join(work, 'crash')
    write(
      'crash.mjs',
      `import { existsSync } from 'node:fs'
       import { isMainThread } from 'node:worker_threads'
       const crash = () => { throw new Error('boom ' + process.env.ETL_SINK_PASSWORD) }
       if (isMainThread) setInterval(() => existsSync(${JSON.stringify(go)}) && crash(), 50)`,
    )
    const { child, output } = start(
      'etl.yaml',
      ['consume', '-t', topic, '-s', 'postgres', '--threads', '1'],
      {
        NODE_OPTIONS: `--import ${join(work, 'crash.mjs')} --report-on-signal --report-uncaught-exception --report-directory=${work}`,
      },
    )
    if (child.stderr) await once(child.stderr, 'data')
    const commands = readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid))
      .map(commandLine)
    assert(commands.some((command) => command.includes('consume')))
    assert.deepEqual(found(commands.join('\n')), [])
    const reports = () =>
      readdirSync(work)
        .filter((name) => name.startsWith('report.'))
        .map((name) => readFileSync(join(work, name), 'utf8'))
    // A report has a part for each thread; at first there is none.
    while (!reports().some((report) => report.includes('Worker thread subreport'))) {
      child.kill('SIGUSR2')
      await sleep(200)
    }
    writeFileSync(go, '')
    const crashed = await output
    outputs.set('crash', crashed)
    assert.equal(crashed.code, 1, crashed.stderr)
    assert.match(crashed.stderr, /boom \*\*\*/)
    for (const report of reports()) assert.deepEqual(found(report), [])
  })

  it('in all that was printed', () => {
    for (const [name, { stdout, stderr }] of outputs) {
      assert(stdout.length + stderr.length > 0, name)
      assert.deepEqual(found(stdout + stderr), [], name)
    }
  })

  it('in the tables', async () => {
    const tables = ['kafka_offsets', 'etl_ledger', 'etl_dead_letters']
    for (const text of [await postgresRows(tables), await mysqlRows(tables)]) {
      assert.match(text, /planted/)
      assert.deepEqual(found(text), [])
    }
  })

  it('in the files of the stack: secrets have mode 0600, logs hold none', () => {
    const data = Object.values(state.services).map((service) => service.data)
    const offending: string[] = []
    for (const file of filesBelow(dir)) {
      const holds = found(readFileSync(file, 'latin1')).filter((name) => name !== 'token')
      if (holds.length === 0 || file.startsWith(work)) continue
      const mode = statSync(file).mode & 0o777
      const isLog = /\.log(\.1)?$/.test(file) && !data.some((folder) => file.startsWith(`${folder}/data`))
      if (mode !== 0o600 || isLog) offending.push(`${relative(dir, file)} ${mode.toString(8)}: ${holds}`)
    }
    assert.deepEqual(offending, [])
    assert.equal(statSync(stateFile(dir)).mode & 0o777, 0o600)
    assert.deepEqual(found(readFileSync(stateFile(dir), 'utf8')), [])
    assert.equal(statSync(files.folder).mode & 0o777, 0o700)
  })

  async function postgresRows(tables: readonly string[]): Promise<string> {
    const { host, port, user, database } = state.services.postgres as NonNullable<
      StackState['services']['postgres']
    >
    const ssl = { ca: readFileSync(files.ca, 'utf8') }
    const client = new pg.Client({ host, port, user, password, database, ssl })
    await client.connect()
    const rows = []
    for (const table of tables) rows.push((await client.query(`SELECT * FROM ${table}`)).rows)
    await client.end()
    return JSON.stringify(rows)
  }

  async function mysqlRows(tables: readonly string[]): Promise<string> {
    const { host, port, user, database } = state.services.mysql as NonNullable<
      StackState['services']['mysql']
    >
    const ssl = { ca: readFileSync(files.ca, 'utf8') }
    const connection = await mysql.createConnection({ host, port, user, password, database, ssl })
    const rows = []
    for (const table of tables) rows.push((await connection.query(`SELECT * FROM ${table}`))[0])
    await connection.end()
    return JSON.stringify(rows)
  }
})

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    // It has ended between the two looks.
    return ''
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return filesBelow(path)
    return entry.isFile() && statSync(path).size < 64 * 1024 * 1024 ? [path] : []
  })
}
