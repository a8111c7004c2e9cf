import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { ConfigError, UnreachableError } from '../../errors.ts'
import { backoff } from '../cluster/backoff.ts'
import type { OAuthSasl, TokenEndpoint } from '../config.ts'
import { LoginRefusedError } from '../errors.ts'
import { type IssuedToken, requestToken } from './token-request.ts'

export interface TokenSource {
  /** A token that is valid now. */
  token(): Promise<string>
}

/** Of its lifetime, after which a token is replaced; so that a login never starts with one that is about to end. */
const refreshAfter = 0.8
const attempts = 3

const sources = new WeakMap<OAuthSasl, TokenSource>()

/** One source for all connections that share the configuration. */
export function tokenSource(sasl: OAuthSasl): TokenSource {
  const known = sources.get(sasl)
  if (known) return known
  const source = 'file' in sasl.token ? new FileTokens(sasl.token.file) : new EndpointTokens(sasl.token)
  sources.set(sasl, source)
  return source
}

/** When a JWT ends (RFC 7519, `exp`), milliseconds; undefined for an opaque token. */
export function expiryOf(token: string): number | undefined {
  try {
    const body: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
    const { exp } = body as { exp?: unknown }
    return typeof exp === 'number' ? exp * 1000 : undefined
  } catch {
    return undefined
  }
}

/** A file that is kept fresh by somebody else, so it is read each time. */
class FileTokens implements TokenSource {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  async token(): Promise<string> {
    const where = this.#file
    const text = await readFile(where, 'utf8').catch((cause: unknown) => {
      throw new ConfigError('the file with the token for Kafka cannot be read', {
        where,
        cause,
        next: 'check kafka.sasl.tokenFile in etl.yaml',
      })
    })
    const token = text.trim()
    if (!/^[\x21-\x7e]+$/.test(token)) {
      throw new ConfigError('the file with the token for Kafka does not hold a token', {
        where,
        next: 'it must hold the token and nothing else',
      })
    }
    const expiry = expiryOf(token)
    if (expiry !== undefined && expiry <= Date.now()) throw expired(expiry, where)
    return token
  }
}

interface Held extends IssuedToken {
  /** Milliseconds since the epoch. */
  readonly refreshAt: number
  readonly expiry: number
}

/** Keeps the token until it has lived for most of its time. An endpoint that is down for a moment is not noticed. */
class EndpointTokens implements TokenSource {
  readonly #endpoint: TokenEndpoint
  #held: Held | undefined
  #asking: Promise<Held> | undefined

  constructor(endpoint: TokenEndpoint) {
    this.#endpoint = endpoint
  }

  async token(): Promise<string> {
    if (this.#held && Date.now() < this.#held.refreshAt) return this.#held.value
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return (await this.#asking).value
  }

  async #ask(): Promise<Held> {
    for (let attempt = 1; ; attempt++) {
      try {
        this.#held = held(await requestToken(this.#endpoint))
        return this.#held
      } catch (error) {
        const down = error instanceof UnreachableError && !(error instanceof LoginRefusedError)
        if (!down) throw error
        // The old one is good for a while yet.
        if (this.#held && Date.now() < this.#held.expiry) return this.#held
        if (attempt === attempts) throw error
        await delay(backoff(attempt))
      }
    }
  }
}

/** `expires_in` and a JWT's `exp`, which counts whole seconds, need not say the same: the earlier one holds. An opaque token without either serves once. */
function held(issued: IssuedToken): Held {
  const now = Date.now()
  const said = issued.lifetime === undefined ? Infinity : now + issued.lifetime
  const earlier = Math.min(said, expiryOf(issued.value) ?? Infinity)
  const expiry = earlier === Infinity ? now : earlier
  return { ...issued, expiry, refreshAt: now + (expiry - now) * refreshAfter }
}

function expired(expiry: number, where: string): LoginRefusedError {
  return new LoginRefusedError(`the token for Kafka has expired at ${new Date(expiry).toISOString()}`, {
    where,
    next: 'whoever writes the file must write a new token before the old one ends',
  })
}
