import { createHash, createPublicKey, type KeyObject, randomUUID, sign } from 'node:crypto'

/** What brokers of the stack expect in a token's `iss` and `aud`. */
export const tokenIssuer = 'etl-stack'
export const tokenAudience = 'kafka'

export interface TokenClaims {
  /** Becomes the Kafka principal `User:<subject>`. */
  readonly subject: string
  /** Seconds. */
  readonly lifetime: number
  readonly issuedAt?: Date
  readonly audience?: string
}

/** A JWT signed with ES256 (RFC 7519, RFC 7518 section 3.4: r and s side by side). */
export function signToken(key: KeyObject, claims: TokenClaims): string {
  const issued = Math.floor((claims.issuedAt ?? new Date()).getTime() / 1000)
  const header = { alg: 'ES256', typ: 'JWT', kid: keyId(createPublicKey(key)) }
  const body = {
    iss: tokenIssuer,
    aud: claims.audience ?? tokenAudience,
    sub: claims.subject,
    iat: issued,
    exp: issued + claims.lifetime,
    jti: randomUUID(),
  }
  const text = `${part(header)}.${part(body)}`
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

/** The JSON Web Key Set (RFC 7517) that verifies the tokens. */
export function jwksOf(publicKey: KeyObject): string {
  const key = { ...publicKey.export({ format: 'jwk' }), kid: keyId(publicKey), use: 'sig', alg: 'ES256' }
  return `${JSON.stringify({ keys: [key] })}\n`
}

function keyId(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
    .slice(0, 16)
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
