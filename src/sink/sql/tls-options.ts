import type { TlsSettings } from '../../tls.ts'

/** What both drivers hand to Node's TLS. A server whose certificate does not check out is refused, unless it is said otherwise. */
export interface TlsOptions {
  ca?: string
  cert?: string
  key?: string
  passphrase?: string
  rejectUnauthorized: boolean
}

/** Said explicitly, so that NODE_TLS_REJECT_UNAUTHORIZED=0 switches nothing off. */
export function tlsOptions({ ca, cert, key, passphrase, rejectUnauthorized }: TlsSettings): TlsOptions {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    rejectUnauthorized: rejectUnauthorized ?? true,
  }
}
