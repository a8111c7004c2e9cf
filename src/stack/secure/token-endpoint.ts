import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Bytes; a token request has a few hundred. */
const longestRequest = 16 * 1024

export interface TokenEndpointOptions {
  /** Who may ask, and with which secret. */
  readonly secretOf: (clientId: string) => string | undefined
  /** A new token for the client. */
  readonly issue: (clientId: string) => { token: string; lifetime: number }
}

/**
 * Answers a client-credentials request (RFC 6749, section 4.4), with the credentials in the Authorization header or in
 * the body (section 2.3.1).
 */
export async function answerTokenRequest(
  request: IncomingMessage,
  response: ServerResponse,
  { secretOf, issue }: TokenEndpointOptions,
): Promise<void> {
  if (request.method !== 'POST') return answer(response, 405, { error: 'invalid_request' })
  const form = new URLSearchParams(await bodyOf(request))
  if (form.get('grant_type') !== 'client_credentials') {
    return answer(response, 400, { error: 'unsupported_grant_type' })
  }
  const credentials = basicCredentials(request) ?? {
    user: form.get('client_id') ?? '',
    password: form.get('client_secret') ?? '',
  }
  if (!sameText(secretOf(credentials.user), credentials.password)) {
    return answer(response, 401, {
      error: 'invalid_client',
      error_description: 'unknown client or wrong secret',
    })
  }
  const { token, lifetime } = issue(credentials.user)
  answer(response, 200, { access_token: token, token_type: 'Bearer', expires_in: lifetime })
}

/** User and password of the Authorization header (RFC 7617), both URL-decoded as RFC 6749 section 2.3.1 wants it. */
export function basicCredentials(request: IncomingMessage): { user: string; password: string } | undefined {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(request.headers.authorization ?? '') ?? []
  if (encoded === undefined) return undefined
  const [, user, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? []
  return user === undefined || password === undefined
    ? undefined
    : { user: decoded(user), password: decoded(password) }
}

/** In a time that does not tell how much of it is right. */
export function sameText(expected: string | undefined, given: string): boolean {
  if (expected === undefined) return false
  const [a, b] = [Buffer.from(expected), Buffer.from(given)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text // not URL-encoded: most clients do not
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > longestRequest) break
  }
  return text
}

function answer(response: ServerResponse, status: number, document: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(`${JSON.stringify(document)}\n`)
}
