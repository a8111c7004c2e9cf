import { Socket } from 'node:net'
import type { DatabaseError } from 'pg'
import { tlsProblem } from '../../tls.ts'

/** Connects to `host` whatever name the driver asks for: the driver only knows the name that the certificate must have. */
export class NamedSocket extends Socket {
  readonly #host: string

  constructor(host: string) {
    super()
    this.#host = host
  }

  // biome-ignore lint/suspicious/noExplicitAny: the many signatures of Socket.connect; pg calls (port, host)
  override connect(...args: any[]): this {
    return super.connect(Number(args[0]), this.#host)
  }
}

/** The code under which src/tls.ts knows the failure; undefined when it has nothing to do with TLS. */
export function tlsCode(err: unknown): string | undefined {
  const message = err instanceof Error ? err.message : ''
  if (message === 'The server does not support SSL connections') return 'NO_TLS'
  return tlsProblem(err, '') === undefined ? undefined : 'TLS'
}

/** How pg_hba.conf says that it is about TLS: https://www.postgresql.org/docs/current/client-authentication-problems.html */
export function tlsCodeOfServer({ code, message }: DatabaseError): string | undefined {
  if (code !== '28000') return undefined
  if (/client certificate/.test(message)) return 'CLIENT_CERTIFICATE_REQUIRED'
  return /, (no encryption|SSL off)$/.test(message) ? 'TLS_REQUIRED' : undefined
}
