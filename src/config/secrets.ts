import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ConfigError } from '../errors.ts'

/** One secret and the places that may hold it. There is no flag for any: every user of a machine can read another one's command line. */
export interface SecretPlaces {
  /** As messages and the prompt name it: `password of Kafka user etl`. */
  readonly what: string
  /** The environment variable that holds it; `<variable>_FILE` names a file that does. */
  readonly variable: string
  /** From etl.yaml: the secret itself (usually `${NAME}`), or a file with it, relative to etl.yaml. */
  readonly value?: string | undefined
  readonly file?: string | undefined
}

export interface SecretsOptions {
  /** Folder that the file names of etl.yaml start from. */
  readonly base: string
  /** Takes one sentence: a file with a secret that other users can read. */
  readonly warn: (text: string) => void
}

/** A longer file holds no password, key or list of authorities. Bytes. */
const maxFile = 4 * 1024 * 1024
/** Shorter ones would be found in words of any text. Characters. */
const shortestRedacted = 8
/** Container runtimes put secrets there with modes of their own, readable for who is inside only. */
const runtimeFolders = ['/run/secrets/', '/var/run/secrets/']

/** What people typed, by `SecretPlaces.what`. */
const typed = new Map<string, string>()
/** Every form of every secret that this process has read. */
const known = new Set<string>()

/**
 * Finds secrets: environment > etl.yaml > what was typed at the prompt. A place that is set but empty, unreadable, or
 * set twice is a ConfigError, which names the place and never the value.
 */
export class Secrets {
  private readonly options: SecretsOptions

  constructor(options: SecretsOptions) {
    this.options = options
  }

  /** The secret; undefined when no place has it. */
  find(places: SecretPlaces): string | undefined {
    const found = this.fromEnvironment(places.variable) ?? this.fromFile(places) ?? typed.get(places.what)
    if (found !== undefined) keepOut(found)
    return found
  }

  /** The secret. Throws a ConfigError whose `secret` lets a terminal ask for it when no place has it. */
  need(places: SecretPlaces): string {
    const found = this.find(places)
    if (found !== undefined) return found
    throw new ConfigError(`the ${places.what} is not given`, {
      next: `export ${places.variable}=…, or ${places.variable}_FILE=FILE`,
      secret: places.what,
    })
  }

  /** Text of a file with a secret in it (a key, for one); `from` is where it was named. Throws ConfigError. */
  read(path: string, from: string): string {
    const full = resolve(this.options.base, path)
    const { text, open } = readSmallFile(full, from)
    if (open && !runtimeFolders.some((folder) => full.startsWith(folder)))
      this.options.warn(`other users can read the secret in ${full}: chmod 600 ${full}`)
    return text
  }

  /** Text of a file that is no secret (a certificate). Throws ConfigError. */
  readText(path: string, from: string): string {
    return readSmallFile(resolve(this.options.base, path), from).text
  }

  private fromEnvironment(variable: string): string | undefined {
    const value = process.env[variable]
    const file = process.env[`${variable}_FILE`]
    if (value !== undefined && file !== undefined)
      throw new ConfigError(`${variable} and ${variable}_FILE are both set`, { next: `unset one of them` })
    if (file !== undefined) return this.firstLine(resolve(file), `${variable}_FILE`)
    return value
  }

  private fromFile({ what, value, file }: SecretPlaces): string | undefined {
    if (value !== undefined && file !== undefined)
      throw new ConfigError(`the ${what} is given twice in etl.yaml: as text and as a file`, {
        next: 'keep one of the two',
      })
    return file === undefined ? value : this.firstLine(file, 'etl.yaml')
  }

  /** A file's last line end is not part of the secret; blanks are. */
  private firstLine(path: string, from: string): string {
    const secret = this.read(path, from).replace(/\r?\n$/, '')
    if (secret === '')
      throw new ConfigError('the file with the secret is empty', {
        where: resolve(this.options.base, path),
        next: `write the secret into it, or change ${from}`,
      })
    return secret
  }
}

/** Keeps what was typed at the prompt for the rest of the process. */
export function rememberTyped(what: string, secret: string): void {
  typed.set(what, secret)
}

/** From now on `withoutSecrets` takes `secret` out, also in the forms that URLs and headers give it. */
export function keepOut(secret: string): void {
  if (secret.length < shortestRedacted) return
  for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')])
    known.add(form)
}

/** `text` without any secret that this process has read; whatever server, library or file it came back from. */
export function withoutSecrets(text: string): string {
  let clean = text
  for (const secret of known) clean = clean.replaceAll(secret, '***')
  return clean
}

/** `open`: a regular file that its group or everyone may read. A pipe (`<(pass show db)`) is nobody else's. */
function readSmallFile(path: string, from: string): { text: string; open: boolean } {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    const stat = fstatSync(file)
    if (stat.isFile() && stat.size > maxFile)
      throw new Error(`it has ${stat.size} bytes, and may have ${maxFile}`)
    return {
      text: readFileSync(file, 'utf8'),
      open: process.platform !== 'win32' && stat.isFile() && (stat.mode & 0o044) !== 0,
    }
  } catch (cause) {
    throw new ConfigError('the file with the secret cannot be read', {
      where: path,
      cause,
      next: `see ${from}`,
    })
  } finally {
    if (file !== undefined) closeSync(file)
  }
}
