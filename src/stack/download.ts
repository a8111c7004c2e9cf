import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { copyFile, mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { EtlError, UnexpectedError, UnreachableError } from '../errors.ts'
import { type Artifact, artifactUrl, repositoryPath } from './artifacts.ts'
import { sizeOf } from './file-size.ts'

export interface DownloadOptions {
  readonly cache: string
  /** Base URL of a Maven repository; Maven Central when undefined. */
  readonly repository?: string | undefined
  /** A Maven repository on this machine to copy from first. */
  readonly localRepository?: string
  /** Told of each piece that arrived, in bytes; negative when a piece has to be fetched again. */
  readonly onBytes?: (bytes: number) => void
}

const attempts = 4

/** Where `artifact` is, or will be, in the cache. */
export function cachedFile(cache: string, artifact: Artifact): string {
  return join(cache, 'artifacts', repositoryPath(artifact.coordinates))
}

/** A file in the cache was verified before it got its name, so its size is enough to know it by. */
export async function isCached(cache: string, artifact: Artifact): Promise<boolean> {
  return (await sizeOf(cachedFile(cache, artifact))) === artifact.size
}

/**
 * Brings one artifact into the cache and returns its path. An interrupted download goes on where it stopped.
 * Throws UnreachableError when the repository cannot be had, UnexpectedError when what it serves is not what
 * was locked.
 */
export async function download(artifact: Artifact, options: DownloadOptions): Promise<string> {
  const file = cachedFile(options.cache, artifact)
  if (await isCached(options.cache, artifact)) return file
  await mkdir(dirname(file), { recursive: true })
  const part = `${file}.part`
  if (!(await copyLocal(artifact, part, options))) await downloadWithRetries(artifact, part, options)
  await rename(part, file)
  return file
}

/** `~/.m2/repository` often has the file already; true when it does, with the right content. */
async function copyLocal(artifact: Artifact, part: string, options: DownloadOptions): Promise<boolean> {
  const local = options.localRepository ?? join(homedir(), '.m2', 'repository')
  const source = join(local, repositoryPath(artifact.coordinates))
  if ((await sizeOf(source)) !== artifact.size || (await sha256Of(source)) !== artifact.sha256) return false
  await copyFile(source, part)
  options.onBytes?.(artifact.size)
  return true
}

async function downloadWithRetries(
  artifact: Artifact,
  part: string,
  options: DownloadOptions,
): Promise<void> {
  const { url, headers } = withoutLogin(await artifactUrl(artifact.coordinates, options.repository))
  for (let attempt = 1; ; attempt++) {
    try {
      await fetchRest(url, headers, part, artifact, options.onBytes)
      break
    } catch (cause) {
      if (cause instanceof EtlError || attempt === attempts) throw unreachable(url, cause)
      await sleep(250 * 2 ** attempt)
    }
  }
  const sha256 = await sha256Of(part)
  if (sha256 === artifact.sha256) return
  await rm(part, { force: true })
  throw new UnexpectedError(`the repository serves another file than the one that was locked`, {
    where: url,
    cause: new Error(`sha256 ${sha256}, expected ${artifact.sha256}`),
    next: 'name a trustworthy repository in ETL_MAVEN_REPOSITORY and run: etl stack up',
  })
}

/** fetch refuses a URL with user and password, which mirrors often want: they go into a header. */
function withoutLogin(url: string): { url: string; headers: Record<string, string> } {
  const { username, password } = new URL(url)
  if (username === '') return { url, headers: {} }
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  const plain = new URL(url)
  plain.username = ''
  plain.password = ''
  return { url: plain.href, headers: { authorization: `Basic ${Buffer.from(login).toString('base64')}` } }
}

/** Fetches what `part` still lacks. */
async function fetchRest(
  url: string,
  headers: Readonly<Record<string, string>>,
  part: string,
  artifact: Artifact,
  onBytes: DownloadOptions['onBytes'],
): Promise<void> {
  let have = (await sizeOf(part)) ?? 0
  if (have > artifact.size) {
    await rm(part)
    have = 0
  }
  if (have === artifact.size) return
  const response = await fetch(url, {
    headers: { ...headers, ...(have > 0 ? { range: `bytes=${have}-` } : {}) },
  })
  const resumed =
    response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${have}-`)
  if (!response.body || !(response.status === 200 || resumed)) throw refused(url, response.status)
  if (resumed) onBytes?.(have)
  let received = 0
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      received += chunk.length
      onBytes?.(chunk.length)
      done(null, chunk)
    },
  })
  try {
    const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0])
    await pipeline(body, meter, createWriteStream(part, { flags: resumed ? 'a' : 'w' }))
    const total = (resumed ? have : 0) + received
    if (total !== artifact.size) throw new Error(`${total} of ${artifact.size} bytes came`)
  } catch (err) {
    onBytes?.(-received - (resumed ? have : 0))
    throw err
  }
}

/** 4xx says no and stays so; anything else is worth another try. */
function refused(url: string, status: number): Error {
  const err = new Error(`HTTP ${status}`)
  if (status < 400 || status >= 500 || status === 408 || status === 429 || status === 416) return err
  return unreachable(url, err)
}

function unreachable(url: string, cause: unknown): EtlError {
  if (cause instanceof EtlError) return cause
  return new UnreachableError('a part of the stack could not be downloaded', {
    where: url,
    cause,
    next:
      'check the network (behind a proxy: NODE_USE_ENV_PROXY=1 with HTTPS_PROXY; behind a mirror: ' +
      'ETL_MAVEN_REPOSITORY=URL) and run the same command again; it goes on where it stopped',
  })
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}
