import { createHash } from 'node:crypto'
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { chmod, chown, lstat, mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ConfigError } from '../errors.ts'
import { cacheFolder } from './cache-folder.ts'
import { stackFolder } from './state.ts'

/** A system user that a service is run as. */
export interface Account {
  readonly uid: number
  readonly gid: number
  readonly name: string
}

/**
 * The user that the databases run as: undefined for ourselves. MariaDB and PostgreSQL refuse to run as root,
 * so root (as in a container) hands them to an account without rights. It must be in /etc/passwd, where initdb
 * looks its name up.
 */
export function databaseAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
  const account = ['nobody', 'postgres', 'daemon'].flatMap((name) =>
    accounts.filter((at) => at.name === name),
  )[0]
  if (!account || !(account.uid > 0)) {
    throw new ConfigError('the databases do not run as root, and there is no other user to run them as', {
      where: '/etc/passwd',
      next: 'add a user (useradd --system nobody), or run etl as another user than root',
    })
  }
  return account
}

/** Folder for the databases' programs, readable for the user that they run as. */
export async function programsFolder(): Promise<string> {
  return await readableFolder(join(cacheFolder(), 'unpacked'), 'unpacked')
}

/** Folder for the data of the stack in `dir`: below its `.etl/` where the databases' user can get there. */
export async function databasesFolder(dir: string): Promise<string> {
  const wanted = join(dir, stackFolder)
  const project = createHash('sha256').update(existsSync(dir) ? realpathSync(dir) : resolve(dir))
  return await readableFolder(wanted, `data-${project.digest('hex').slice(0, 16)}`)
}

/** Makes `folder` and hands it to `account`; closed to everyone else. */
export async function privateFolder(folder: string, account: Account | undefined): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if (account) await chown(folder, account.uid, account.gid)
}

/**
 * `wanted`, unless we are root and a folder above it is closed to others, as /root is: then `name` in a folder
 * of ours below /var/tmp.
 */
async function readableFolder(wanted: string, name: string): Promise<string> {
  if (process.getuid?.() !== 0 || isOpen(wanted)) return await openFolder(wanted)
  const own = '/var/tmp/etl-root'
  await openFolder(own)
  // /var/tmp is everyone's: a folder (or link) that somebody else put there must not be trusted.
  const found = await lstat(own)
  if (!found.isDirectory() || found.uid !== 0 || (found.mode & 0o022) !== 0) {
    throw new ConfigError(`${own} is not a folder of root's that only root can write to`, {
      next: `remove ${own}, or set ETL_CACHE_DIR and --dir to folders that every user can read`,
    })
  }
  return await openFolder(join(own, name))
}

/**
 * A folder for our own files. Root's may be passed through by others, since the databases, which run as another user, have theirs
 * below it; but nobody can list it.
 */
export async function closedFolder(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  await chmod(folder, process.getuid?.() === 0 ? 0o711 : 0o700)
  return folder
}

/** Makes it readable for everyone whatever our umask; a folder that was there keeps its mode. */
async function openFolder(folder: string): Promise<string> {
  if (existsSync(folder)) return folder
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o755)
  return folder
}

/** True when everyone may pass through all folders down to `folder`, those that exist. */
export function isOpen(folder: string): boolean {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (existsSync(at) && (statSync(at).mode & 0o001) === 0) return false
    if (at === dirname(at)) return true
  }
}
