import { existsSync } from 'node:fs'
import { chown, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Account, databaseAccount, privateFolder } from './account.ts'
import { checkLibraries } from './libraries.ts'
import { passwordOf, type SecureFiles } from './secure/files.ts'
import type { ServiceContext } from './service.ts'

/** Where a database server lives: who runs it, its programs, and its data below the service's folder. */
export interface DatabaseFolder {
  readonly account: Account | undefined
  /** Root of the unpacked program. */
  readonly home: string
  /** The server's own data folder. */
  readonly files: string
}

/** Copies of the stack's certificate, which the user that runs the server may read. */
export interface DatabaseTls {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** User and database of every stack; the password of one without --secure. */
export const databaseLogin = { user: 'etl', database: 'etl' } as const
const openPassword = 'etl'
/** In a secured PostgreSQL: logs in by certificate. (This MariaDB's TLS library does not show it the client's.) */
export const certificateUser = 'certified'

export function databasePassword(secure: SecureFiles | undefined): string {
  return secure ? passwordOf(secure, databaseLogin.user) : openPassword
}

/** How other commands log in, for the state. */
export function loginState(
  secure: SecureFiles | undefined,
): { user: string; database: string } & ({ password: string } | { passwordFile: string }) {
  return secure
    ? { ...databaseLogin, passwordFile: secure.users[databaseLogin.user].password }
    : { ...databaseLogin, password: openPassword }
}

/** Makes the folder, private to who runs the server, and lets `initialize` fill it at the first start. */
export async function prepareDatabaseFolder(
  context: ServiceContext,
  label: string,
  home: string,
  program: string,
  initialize: (folder: DatabaseFolder) => Promise<void>,
): Promise<DatabaseFolder> {
  const account = databaseAccount()
  await checkLibraries(label, join(home, 'bin', program))
  await privateFolder(context.data, account)
  const folder = { account, home, files: join(context.data, 'data') }
  const done = join(context.data, 'initialized')
  if (existsSync(done)) return folder
  // What an interrupted first start left is in the way.
  await rm(folder.files, { recursive: true, force: true })
  await privateFolder(folder.files, account)
  await initialize(folder)
  await writeFile(done, '')
  return folder
}

/** A file that only the server may read. */
export async function writePrivateFile(
  file: string,
  text: string,
  account: Account | undefined,
): Promise<void> {
  await writeFile(file, text, { mode: 0o600 })
  if (account) await chown(file, account.uid, account.gid)
}

/** Undefined in a stack without --secure. */
export async function databaseTls(
  { secure, data }: ServiceContext,
  account: Account | undefined,
): Promise<DatabaseTls | undefined> {
  if (!secure) return undefined
  const copies = { ca: secure.ca, cert: secure.serverCert, key: secure.serverKey }
  const copied = Object.entries(copies).map(async ([name, from]) => {
    const to = join(data, `tls-${name}.pem`)
    await writePrivateFile(to, await readFile(from, 'utf8'), account)
    return [name, to]
  })
  return Object.fromEntries(await Promise.all(copied))
}
