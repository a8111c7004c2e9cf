import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { ConfigError, type ErrorDetails } from './errors.ts'

/** TLS to one server, the same for cluster, registry and databases. Chain and host name are always checked. */
export interface TlsSettings {
  /** PEM texts, not paths. `ca` replaces the authorities that Node knows. */
  readonly ca?: string | undefined
  /** Certificate (with its chain) and key that the server may ask for. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** Of an encrypted key. */
  readonly passphrase?: string | undefined
  /** The name that the server's certificate must have; default: the host that is connected to. */
  readonly serverName?: string | undefined
  /** `false` takes any certificate: encrypted, and no protection against who sits in between. For experiments. */
  readonly rejectUnauthorized?: boolean | undefined
}

/** The two ends do not agree on TLS; trying again does not help. */
export class TlsError extends ConfigError {
  override readonly code = 'tls'
}

/** Throws TlsError for certificates, keys and passphrases that OpenSSL cannot use; `where` is where they were named. */
export function checkTls({ ca, cert, key, passphrase }: TlsSettings, where: string): void {
  if ((cert === undefined) !== (key === undefined))
    throw new TlsError(
      cert === undefined
        ? 'a TLS key is given without its certificate'
        : 'a TLS certificate is given without its key',
      {
        where,
        next: 'give both cert and key, or none of them',
      },
    )
  const steps: readonly [what: string, next: string, use: () => unknown][] = [
    // OpenSSL passes over authorities that it cannot read.
    [
      'certificate authorities (ca)',
      'ca must be a PEM file: -----BEGIN CERTIFICATE-----',
      () => ca && new X509Certificate(ca),
    ],
    [
      'certificate (cert)',
      'cert must be a PEM file: -----BEGIN CERTIFICATE-----',
      () => cert && new X509Certificate(cert),
    ],
    [
      'key',
      'key must be a PEM file; an encrypted one needs its right passphrase',
      () => createSecureContext({ key, passphrase }),
    ],
    [
      'certificate and key',
      'cert must be the certificate of key',
      () => createSecureContext({ cert, key, passphrase }),
    ],
  ]
  for (const [what, next, use] of steps) {
    try {
      use()
    } catch (cause) {
      throw new TlsError(`the TLS ${what} cannot be used`, { where, cause, next })
    }
  }
}

interface Problem {
  readonly codes: RegExp
  readonly what: string
  readonly next: string
}

/** By the codes of Node and OpenSSL. https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const problems: readonly Problem[] = [
  {
    codes: /^CERT_HAS_EXPIRED$/,
    what: "the server's certificate has expired",
    next: 'renew the certificate of the server; if it is new, look at the clock of this machine: date',
  },
  {
    codes: /^CERT_NOT_YET_VALID$/,
    what: "the server's certificate is not valid yet",
    next: 'look at the clock of this machine (date) and at the dates of the certificate',
  },
  {
    codes: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    what: "the server's certificate is for another host",
    next: 'connect to a name that is in the certificate, or set tls.serverName to it',
  },
  {
    codes: /^CERT_REVOKED$/,
    what: "the server's certificate was revoked",
    next: 'ask who runs the server',
  },
  {
    codes: /^(INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|INVALID_CA|CERT_REJECTED|CERT_SIGNATURE_FAILURE)$/,
    what: "the server's certificate cannot be used for a server",
    next: 'the certificate needs the extended key usage serverAuth, and an authority as its issuer',
  },
  {
    codes: /SELF_SIGNED|^UNABLE_TO_|^CERT_UNTRUSTED$|^CERT_CHAIN_TOO_LONG$/,
    what: "the server's certificate is not signed by an authority that is trusted here",
    next: 'name the authority: tls.ca: FILE.pem in etl.yaml',
  },
  {
    codes: /ALERT_(CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE)$|^CLIENT_CERTIFICATE_REQUIRED$/,
    what: 'the server wants a client certificate',
    next: 'name it: tls.cert and tls.key in etl.yaml',
  },
  {
    codes:
      /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED|CERTIFICATE_REVOKED|UNSUPPORTED_CERTIFICATE|DECRYPT_ERROR|ACCESS_DENIED)$/,
    what: 'the server does not accept the client certificate',
    next: 'tls.cert must be signed by an authority that the server trusts, and be valid now',
  },
  {
    codes:
      /^(ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|INVALID_RECORD_TYPE)|HANDSHAKE_NO_SSL_SUPPORT|NO_TLS)$/,
    what: 'the server does not speak TLS on this port',
    next: 'switch TLS on at the server or name its TLS port; without tls in etl.yaml everything goes over the wire as it is',
  },
  {
    codes: /^(TLS_REQUIRED|HPE_INVALID_CONSTANT)$/,
    what: 'the server does not let anyone in without TLS',
    next: 'tls: true, or tls: { ca: FILE.pem }, in etl.yaml',
  },
  {
    codes:
      /(UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|NO_CIPHERS?_(MATCH|AVAILABLE|SHARED)|NO_SHARED_CIPHER|NO_PROTOCOLS_AVAILABLE|INSUFFICIENT_SECURITY)$/,
    what: 'the two ends have no TLS version or cipher in common',
    next: 'the server must speak TLS 1.2 or 1.3',
  },
  {
    codes: /^(EPROTO|ERR_SSL_|ERR_TLS_|ERR_OSSL_)/,
    what: 'the TLS handshake failed',
    next: 'check the tls settings of etl.yaml against those of the server',
  },
]

/** What a failed connection tells of TLS; undefined when it failed for another reason. `server` is `host:port`. */
export function tlsProblem(error: unknown, server: string, doing?: string): TlsError | undefined {
  const codes = codesIn(error)
  const problem = problems.find((one) => codes.some((code) => one.codes.test(code)))
  if (problem === undefined) return undefined
  const details: ErrorDetails = { where: server, cause: error, next: problem.next }
  return new TlsError(doing === undefined ? problem.what : `${doing}: ${problem.what}`, details)
}

/**
 * Messages of OpenSSL's certificate checks, for drivers that put a code of their own over the error's.
 * https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/
 */
const messages: readonly (readonly [RegExp, string])[] = [
  [/^certificate has expired/, 'CERT_HAS_EXPIRED'],
  [/^certificate is not yet valid/, 'CERT_NOT_YET_VALID'],
  [/^Hostname\/IP does not match/, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  [/^self.signed certificate/, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  [/^unable to (get|verify)/, 'UNABLE_TO_GET_ISSUER_CERT'],
  [/^unsuitable certificate purpose/, 'INVALID_PURPOSE'],
]

/** Codes of the error, of its causes and of the parts of an AggregateError. */
function codesIn(error: unknown, depth = 0): string[] {
  if (typeof error !== 'object' || error === null || depth > 5) return []
  const { code, reason, message, cause, errors } = error as Record<string, unknown>
  const found = typeof code === 'string' ? [code] : []
  if (typeof reason === 'string') found.push(`ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`)
  // Node has only EPROTO where the handshake breaks while it writes.
  const [, inMessage] = /:SSL routines:[^:]*:([^:]+):/.exec(String(message)) ?? []
  if (inMessage !== undefined) found.push(`ERR_SSL_${inMessage.toUpperCase().replaceAll(' ', '_')}`)
  found.push(...messages.filter(([text]) => text.test(String(message))).map(([, implied]) => implied))
  const parts = Array.isArray(errors) ? errors : []
  return [...found, ...[cause, ...parts].flatMap((one) => codesIn(one, depth + 1))]
}
