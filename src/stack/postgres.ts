import { basename, join } from 'node:path'
import { UnexpectedError } from '../errors.ts'
import { programsFolder } from './account.ts'
import {
  certificateUser,
  type DatabaseFolder,
  type DatabaseTls,
  databaseLogin,
  databasePassword,
  databaseTls,
  loginState,
  prepareDatabaseFolder,
  writePrivateFile,
} from './database-folder.ts'
import { loopback } from './ports.ts'
import { probePostgres } from './probe.ts'
import type { Service, ServiceContext } from './service.ts'
import { socketPath } from './socket-path.ts'
import { unpackOnce, unpackTxzOfJar } from './unpack.ts'

export const postgres: Service<'postgres'> = {
  name: 'postgres',
  label: 'PostgreSQL',
  usualPort: 5432,
  extraPorts: () => 0,
  needsJava: false,
  refusesRoot: true,
  // "Fast shutdown": ends sessions and rolls their transactions back; SIGTERM would wait for clients.
  stopSignal: 'SIGINT',

  async prepare(context) {
    const home = await unpackPostgres(context.artifacts[0])
    const { account, files } = await prepareDatabaseFolder(context, 'PostgreSQL', home, 'postgres', (made) =>
      initialize(context, made),
    )
    const sockets = socketPath(context.data, `.s.PGSQL.${context.port}`) ? context.data : ''
    const settings: Record<string, string | number> = {
      listen_addresses: loopback,
      port: context.port,
      unix_socket_directories: sockets,
      max_connections: 200,
      timezone: 'UTC',
      log_timezone: 'UTC',
      ...tlsSettings(await databaseTls(context, account)),
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

  describe: (process, { secure }) => ({ ...process, host: loopback, ...loginState(secure) }),
  probe: ({ port, user, database }) => probePostgres(port, user, database),
  address: ({ port, user, database }) => `postgres://${user}@${loopback}:${port}/${database}`,
}

function tlsSettings(tls: DatabaseTls | undefined): Record<string, string> {
  return tls ? { ssl: 'on', ssl_ca_file: tls.ca, ssl_cert_file: tls.cert, ssl_key_file: tls.key } : {}
}

async function unpackPostgres(jar: string | undefined): Promise<string> {
  if (!jar) throw new UnexpectedError('the lock names no PostgreSQL for this platform')
  const folder = join(await programsFolder(), basename(jar, '.jar'))
  return await unpackOnce(folder, (to) => unpackTxzOfJar(jar, to))
}

/** initdb, then role and database in a server without a network. The superuser has no password: socket only. */
async function initialize(context: ServiceContext, { home, files, account }: DatabaseFolder): Promise<void> {
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
  const { secure } = context
  await writePrivateFile(join(files, 'pg_hba.conf'), accessRules(secure !== undefined), account)
  const { user, database } = databaseLogin
  const password = databasePassword(secure)
  const sql = [
    `CREATE ROLE ${user} LOGIN CREATEDB REPLICATION PASSWORD '${password}'`,
    `CREATE DATABASE ${database} OWNER ${user}`,
    ...(secure ? [`CREATE ROLE ${certificateUser} LOGIN IN ROLE ${user}`] : []),
  ]
  await context.run(program('postgres', ['--single', '-D', files, 'postgres']), `${sql.join('\n')}\n`)
}

/** pg_hba.conf. In a secured stack nobody gets in from the network without TLS. */
function accessRules(secure: boolean): string {
  const rules = secure
    ? [
        `hostssl all ${certificateUser} 127.0.0.1/32 cert`,
        `hostssl all ${certificateUser} ::1/128 cert`,
        'hostssl all all 127.0.0.1/32 scram-sha-256',
        'hostssl all all ::1/128 scram-sha-256',
      ]
    : ['host all all 127.0.0.1/32 scram-sha-256']
  return `${['local all all trust', ...rules].join('\n')}\n`
}
