import { existsSync } from 'node:fs'
import { chown, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { UnexpectedError } from '../errors.ts'
import { type Account, databaseAccount, privateFolder, programsFolder } from './account.ts'
import { checkLibraries } from './libraries.ts'
import { loopback } from './ports.ts'
import { probePostgres } from './probe.ts'
import type { Service, ServiceContext } from './service.ts'
import { socketPath } from './socket-path.ts'
import { unpackOnce, unpackTxzOfJar } from './unpack.ts'

const login = { user: 'etl', password: 'etl', database: 'etl' }

export const postgres: Service<'postgres'> = {
  name: 'postgres',
  label: 'PostgreSQL',
  usualPort: 5432,
  extraPorts: 0,
  needsJava: false,
  refusesRoot: true,
  // "Fast shutdown": ends sessions and rolls their transactions back; SIGTERM would wait for clients.
  stopSignal: 'SIGINT',

  async prepare(context) {
    const account = databaseAccount()
    const home = await unpackPostgres(context.artifacts[0])
    await checkLibraries('PostgreSQL', join(home, 'bin', 'postgres'))
    await privateFolder(context.data, account)
    const files = join(context.data, 'data')
    const done = join(context.data, 'initialized')
    if (!existsSync(done)) {
      await initialize(context, home, files, account)
      await writeFile(done, '')
    }
    const sockets = socketPath(context.data, `.s.PGSQL.${context.port}`) ? context.data : ''
    const settings: Record<string, string | number> = {
      listen_addresses: loopback,
      port: context.port,
      unix_socket_directories: sockets,
      max_connections: 200,
      timezone: 'UTC',
      log_timezone: 'UTC',
      ...(context.fast ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } : {}),
    }
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    return {
      command: join(home, 'bin', 'postgres'),
      args: ['-D', files, ...options],
      cwd: context.data,
      account,
    }
  },

  describe: (process) => ({ ...process, host: loopback, ...login }),
  probe: ({ port }) => probePostgres(port, login.user, login.database),
  address: ({ port }) => `postgres://${login.user}@${loopback}:${port}/${login.database}`,
}

async function unpackPostgres(jar: string | undefined): Promise<string> {
  if (!jar) throw new UnexpectedError('the lock names no PostgreSQL for this platform')
  const folder = join(await programsFolder(), basename(jar, '.jar'))
  return await unpackOnce(folder, (to) => unpackTxzOfJar(jar, to))
}

/** initdb, then role and database in a server without a network. The superuser has no password: socket only. */
async function initialize(
  context: ServiceContext,
  home: string,
  files: string,
  account: Account | undefined,
): Promise<void> {
  // What an interrupted first start left is in the way.
  await rm(files, { recursive: true, force: true })
  await privateFolder(files, account)
  const program = (name: string, args: string[]) => ({
    command: join(home, 'bin', name),
    args,
    cwd: context.data,
    account,
  })
  await context.run(
    program('initdb', [
      ...['-D', files, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--no-sync'],
      // Comes with the server, so that no locale of the system is needed.
      ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ]),
  )
  const access = join(files, 'pg_hba.conf')
  await writeFile(access, 'local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n', { mode: 0o600 })
  if (account) await chown(access, account.uid, account.gid)
  const { user, password, database } = login
  const sql = [
    `CREATE ROLE ${user} LOGIN CREATEDB REPLICATION PASSWORD '${password}'`,
    `CREATE DATABASE ${database} OWNER ${user}`,
  ]
  await context.run(program('postgres', ['--single', '-D', files, 'postgres']), `${sql.join('\n')}\n`)
}
