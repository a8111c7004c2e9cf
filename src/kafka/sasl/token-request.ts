import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { ConfigError, type EtlError, UnreachableError } from '../../errors.ts'
import { tlsProblem } from '../../tls.ts'
import type { TokenEndpoint } from '../config.ts'
import { LoginRefusedError } from '../errors.ts'

/** A token as an endpoint gave it. */
export interface IssuedToken {
  readonly value: string
  /** Milliseconds; undefined when the endpoint did not say. */
  readonly lifetime: number | undefined
}

/** Milliseconds for one request. */
const timeout = 10_000
/** Longer answers hold no token. Bytes. */
const longestAnswer = 256 * 1024

/**
 * Asks once for a token. Throws LoginRefusedError when the endpoint does not know the client, TlsError, ConfigError for an
 * answer without a token, and UnreachableError when it is down: that may be over soon.
 */
export async function requestToken(endpoint: TokenEndpoint): Promise<IssuedToken> {
  const { status, text } = await post(endpoint).catch((error: unknown) => {
    throw (
      tlsProblem(error, endpoint.url, 'no token for Kafka') ??
      new UnreachableError('the token endpoint for Kafka does not answer', {
        where: endpoint.url,
        cause: error,
        next: 'check kafka.sasl.tokenUrl in etl.yaml, and whether that server runs',
      })
    )
  })
  if (status >= 500 || status === 429) {
    throw new UnreachableError(`the token endpoint for Kafka answers HTTP ${status}`, {
      where: endpoint.url,
      next: 'try again later, or ask who runs the token endpoint',
    })
  }
  const document = parsed(text)
  if (status !== 200) throw refusal(endpoint, status, document)
  const { access_token: value, expires_in: seconds } = document ?? {}
  if (typeof value !== 'string' || value === '') {
    throw new ConfigError('the answer of the token endpoint holds no access_token', {
      where: endpoint.url,
      next: 'kafka.sasl.tokenUrl must be the token endpoint itself, often …/oauth2/token',
    })
  }
  return { value, lifetime: Number(seconds) > 0 ? Number(seconds) * 1000 : undefined }
}

function refusal({ url, clientId }: TokenEndpoint, status: number, document: Answer | undefined): EtlError {
  const { error, error_description: description } = document ?? {}
  const said = [error, description].filter((part) => typeof part === 'string').join(': ')
  const why = new Error(said || `HTTP ${status} without an OAuth error`)
  if (document === undefined || (status !== 400 && status !== 401 && status !== 403)) {
    return new ConfigError(`the token endpoint answers HTTP ${status}`, {
      where: url,
      cause: why,
      next: 'kafka.sasl.tokenUrl must be the token endpoint itself, often …/oauth2/token',
    })
  }
  return new LoginRefusedError(`the token endpoint gives the client ${clientId} no token`, {
    where: url,
    cause: why,
    next: 'check kafka.sasl.clientId, clientSecret (ETL_KAFKA_PASSWORD) and scope',
  })
}

interface Answer {
  readonly access_token?: unknown
  readonly expires_in?: unknown
  readonly error?: unknown
  readonly error_description?: unknown
}

function parsed(text: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined // an HTML page of a proxy, for one
  }
}

/** The credentials in the Authorization header, which every server must take (RFC 6749, section 2.3.1). No redirect is followed. */
function post(endpoint: TokenEndpoint): Promise<{ status: number; text: string }> {
  const { url, clientId, clientSecret, scope, audience, tls = {} } = endpoint
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (scope !== undefined) form.set('scope', scope)
  if (audience !== undefined) form.set('audience', audience)
  const body = form.toString()
  const credentials = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`
  const { serverName, ...rest } = tls
  const options = {
    method: 'POST',
    agent: false,
    signal: AbortSignal.timeout(timeout),
    ...rest,
    ...(serverName === undefined ? {} : { servername: serverName }),
    headers: {
      authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
      accept: 'application/json',
    },
  }
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest
    const request = send(url, options, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
        if (text.length > longestAnswer) response.destroy(new Error('the answer is too long for a token'))
      })
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    request.on('error', reject)
    request.end(body)
  })
}
