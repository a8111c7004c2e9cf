import type { OAuthSasl } from '../config.ts'
import { LoginRefusedError } from '../errors.ts'
import type { AuthenticationProvider } from '../kafkajs/types.ts'
import { expiryOf, tokenSource } from './token-source.ts'

const separator = '\x01'

/**
 * SASL/OAUTHBEARER (RFC 7628) for kafkajs' connections. kafkajs' own takes the broker's error answer, a JSON text in a
 * successful response, for a success.
 */
export function oauthBearer(sasl: OAuthSasl): AuthenticationProvider {
  return ({ host, port, saslAuthenticate }) => ({
    async authenticate() {
      const token = await tokenSource(sasl).token()
      const answer = await saslAuthenticate({
        request: { encode: async () => sized(firstMessage(token, sasl.extensions)) },
        response: { decode: async (raw) => raw, parse: async (raw) => raw.subarray(4).toString('utf8') },
      })
      if (!answer) return
      const broker = `${host}:${port}`
      // The broker waits for this before it closes the connection: RFC 7628, section 3.2.3.
      await saslAuthenticate({ request: { encode: async () => sized(separator) } }).catch(() => undefined) // its error is what `answer` says
      throw refusal(answer, token, broker)
    },
  })
}

/** The client's first message: RFC 7628, section 3.1, and KIP-342 for the extensions. */
export function firstMessage(token: string, extensions: OAuthSasl['extensions'] = {}): string {
  const pairs = Object.entries({ auth: `Bearer ${token}`, ...extensions })
  return `n,,${separator}${pairs.map(([key, value]) => `${key}=${value}${separator}`).join('')}${separator}`
}

function refusal(answer: string, token: string, where: string): LoginRefusedError {
  const expiry = expiryOf(token)
  const expired = expiry !== undefined && expiry <= Date.now()
  return new LoginRefusedError(
    expired
      ? `Kafka refused the token: it has expired at ${new Date(expiry).toISOString()}`
      : 'Kafka refused the token',
    {
      where,
      cause: new Error(`the broker says ${answer}`),
      next: expired
        ? 'get a new token; if it is new, look at the clocks'
        : "issuer, audience, scope and signing key of the token must be what the broker expects; see the broker's log",
    },
  )
}

/** As kafkajs passes authentication bytes: after their length. */
function sized(text: string): Buffer {
  const bytes = Buffer.from(text)
  const size = Buffer.alloc(4)
  size.writeInt32BE(bytes.length)
  return Buffer.concat([size, bytes])
}
