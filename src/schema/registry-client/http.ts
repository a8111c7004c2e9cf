import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { ConfigError, type EtlError, UnreachableError } from '../../errors.ts'
import { tlsProblem } from '../../tls.ts'
import type { RegistryConfig } from '../registry.ts'

export interface RegistryAnswer {
  readonly status: number
  /** Parsed JSON; undefined when the body is none (a proxy's HTML page, for example). */
  readonly body: unknown
  /** Its beginning as it came, for messages. */
  readonly text: string
  /** Where a redirect leads; none is followed, or the credentials would go there too. */
  readonly location?: string | undefined
}

/** Waiting times; tests make them short. Milliseconds. */
export interface HttpTimes {
  /** For one attempt. */
  readonly timeout: number
  /** Before the second attempt; doubles with each further one, with jitter. */
  readonly firstPause: number
  readonly attempts: number
}

const defaultTimes: HttpTimes = { timeout: 10_000, firstPause: 100, attempts: 5 }
/** Longer answers are not a registry's. Bytes. */
const maxAnswer = 32 * 1024 * 1024
/** Characters of an answer that a message shows. */
const shownText = 500
const mediaType = 'application/vnd.schemaregistry.v1+json'

/**
 * Requests to the registry over kept-alive connections. Network errors, 429 and 5xx are tried again with growing
 * pauses: every call of the API is idempotent. Credentials are sent as a header and never appear in an error.
 */
export class RegistryHttp {
  readonly url: string
  private readonly base: URL
  private readonly config: RegistryConfig
  private readonly times: HttpTimes
  private readonly agent: HttpAgent | HttpsAgent

  constructor(config: RegistryConfig, times: Partial<HttpTimes> = {}) {
    this.base = baseUrl(config.url)
    this.url = this.base.href.replace(/\/$/, '')
    this.config = config
    this.times = { ...defaultTimes, ...times }
    const options = { keepAlive: true, maxSockets: 8 }
    this.agent =
      this.base.protocol === 'https:'
        ? new HttpsAgent({ ...options, ...tlsOptions(config.tls) })
        : new HttpAgent(options)
  }

  /**
   * `path` begins with a slash and is encoded already. Resolves for every answer below 500 but 429.
   * @throws UnreachableError when the last attempt failed too, or the credentials are refused
   */
  async call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<RegistryAnswer> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.attempt(method, path, body).catch((error: Error) => error)
      const failure = outcome instanceof Error ? outcome : failureOf(outcome)
      if (!failure) return this.authorized(outcome as RegistryAnswer)
      if (attempt >= this.times.attempts || isPermanent(failure)) throw this.unreachable(failure, attempt)
      await delay(this.times.firstPause * 2 ** (attempt - 1) * (0.5 + Math.random()))
    }
  }

  close(): void {
    this.agent.destroy()
  }

  private attempt(method: string, path: string, body: unknown): Promise<RegistryAnswer> {
    const payload = body === undefined ? undefined : JSON.stringify(body)
    const headers = {
      accept: `${mediaType}, application/json`,
      ...(payload ? { 'content-type': mediaType, 'content-length': Buffer.byteLength(payload) } : {}),
      ...this.authorization(),
    }
    const signal = AbortSignal.timeout(this.times.timeout)
    const send = this.base.protocol === 'https:' ? httpsRequest : httpRequest
    return new Promise((resolve, reject) => {
      const failed = (error: Error) =>
        reject(signal.aborted ? new Error(`no answer within ${this.times.timeout / 1000} s`) : error)
      const request = send(
        `${this.url}${path}`,
        { method, headers, agent: this.agent, signal },
        (response) => {
          readAnswer(response).then(resolve, failed)
        },
      )
      request.on('error', failed)
      request.end(payload)
    })
  }

  private authorization(): { authorization?: string } {
    const { username, password = '', token } = this.config
    if (token !== undefined) return { authorization: `Bearer ${token}` }
    if (username === undefined) return {}
    return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
  }

  private authorized(answer: RegistryAnswer): RegistryAnswer {
    if (answer.status !== 401 && answer.status !== 403) return answer
    const { username, token } = this.config
    const sent = token
      ? 'with a token'
      : username
        ? `as user ${username}`
        : 'no user name and no token was sent'
    throw new UnreachableError(
      answer.status === 401
        ? 'the schema registry refused the credentials'
        : 'the schema registry denied access',
      {
        where: this.url,
        cause: new Error(`HTTP ${answer.status}, ${sent}`),
        next: 'export ETL_REGISTRY_USERNAME=… ETL_REGISTRY_PASSWORD=…, or ETL_REGISTRY_TOKEN=…, or registry in etl.yaml',
      },
    )
  }

  private unreachable(cause: Error, attempts: number): EtlError {
    const tls = tlsProblem(cause, this.url, 'no connection to the schema registry')
    if (tls) return tls
    return new UnreachableError('the schema registry does not answer', {
      where: this.url,
      cause: attempts === 1 ? cause : new Error(`${messageOf(cause)} (${attempts} attempts)`),
      next: 'check --registry-url; etl stack status shows the local one',
    })
  }
}

/** An answer that no registry gives; asking again would only fetch it again. */
class TooLongError extends Error {}

async function readAnswer(response: IncomingMessage): Promise<RegistryAnswer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxAnswer) throw new TooLongError(`the answer is longer than ${maxAnswer / 1024 / 1024} MB`)
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks).toString('utf8')
  const status = response.statusCode ?? 0
  const location = status >= 300 && status < 400 ? response.headers.location : undefined
  return { status, body: jsonOf(text), text: text.slice(0, shownText), location }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON: the caller says what that means for its call.
    return undefined
  }
}

/** A failure that another attempt may cure. */
function failureOf({ status, body }: RegistryAnswer): Error | undefined {
  if (status < 500 && status !== 429) return undefined
  const { message } = (body ?? {}) as { message?: unknown }
  return new Error(
    typeof message === 'string' ? `HTTP ${status}: ${message.slice(0, 300)}` : `HTTP ${status}`,
  )
}

/** Errors of certificates and names do not pass by themselves. */
function isPermanent(error: Error): boolean {
  const { code = '' } = error as NodeJS.ErrnoException
  return (
    error instanceof TooLongError || /ENOTFOUND|ERR_INVALID/.test(code) || tlsProblem(error, '') !== undefined
  )
}

function messageOf(error: Error): string {
  const inner = (error as { errors?: unknown }).errors
  if (error.message) return error.message
  return Array.isArray(inner) ? inner.map((one: Error) => one.message).join(', ') : error.name
}

function baseUrl(url: string): URL {
  if (!URL.canParse(url)) throw badUrl('it is no URL')
  const base = new URL(url)
  if (base.protocol !== 'http:' && base.protocol !== 'https:')
    throw badUrl('it must begin with http:// or https://')
  if (base.username || base.password) throw badUrl('credentials do not belong into it')
  return base
}

function badUrl(reason: string): ConfigError {
  return new ConfigError('the URL of the schema registry cannot be used', {
    cause: new Error(reason),
    next: '--registry-url http://HOST:8081, with user name and password in etl.yaml or the environment',
  })
}

/** Said explicitly, so that NODE_TLS_REJECT_UNAUTHORIZED=0 switches nothing off. */
function tlsOptions(tls: RegistryConfig['tls']): object {
  return {
    ...(tls?.ca ? { ca: tls.ca } : {}),
    ...(tls?.cert ? { cert: tls.cert } : {}),
    ...(tls?.key ? { key: tls.key } : {}),
    ...(tls?.passphrase ? { passphrase: tls.passphrase } : {}),
    ...(tls?.serverName ? { servername: tls.serverName } : {}),
    rejectUnauthorized: tls?.rejectUnauthorized ?? true,
  }
}
