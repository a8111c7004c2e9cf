import type { ServerHealth, ServerName } from '../engine/consume/server-health.ts'
import { redact } from './redact.ts'

/** Tells changes of the servers' breakers from one look to the next. */
export class ServerLines {
  readonly #seen = new Map<ServerName, ServerHealth>()
  /** `awayMs` when the server went away. */
  readonly #awayBefore = new Map<ServerName, number>()

  /** A line for each server that went or came back since the last call. */
  changes(servers: readonly ServerHealth[]): string[] {
    return servers.flatMap((now) => {
      const before = this.#seen.get(now.server)
      this.#seen.set(now.server, now)
      return this.#change(now, before) ?? []
    })
  }

  #change(now: ServerHealth, before: ServerHealth | undefined): string | undefined {
    const { server } = now
    const wasAway = isAway(before)
    if (isAway(now) && !wasAway) {
      this.#awayBefore.set(server, before?.awayMs ?? 0)
      return redact([`${server} away: ${now.error?.message ?? 'no answer'}`, ...why(now)].join('\n  '))
    }
    if (isAway(now)) return undefined
    if (wasAway) return `${server} back after ${seconds(now.awayMs - (this.#awayBefore.get(server) ?? 0))}`
    // Both happened between two looks.
    const opened = now.openings > (before?.openings ?? 0)
    return opened ? `${server} was away for ${seconds(now.awayMs - (before?.awayMs ?? 0))}` : undefined
  }
}

function isAway(health: ServerHealth | undefined): boolean {
  return health !== undefined && health.breaker !== 'closed'
}

function why({ error }: ServerHealth): string[] {
  return [
    ...(error?.where ? [`where: ${error.where}`] : []),
    ...(error?.causes[0] ? [`why:   ${error.causes[0]}`] : []),
    'next:  nothing to do: it is tried again with growing pauses; nothing is lost, nothing becomes a dead letter',
  ]
}

/** For the progress line: `database away 12 s, 4 tries`; undefined while it answers. */
export function awayText(health: ServerHealth, now = Date.now()): string | undefined {
  if (!isAway(health)) return undefined
  const since = health.since ?? now
  return `${health.server} away ${Math.round((now - since) / 1000)} s, ${health.attempts} tries`
}

/** One server in the document of `--json`. */
export function serverDocument({ error, ...health }: ServerHealth): object {
  return { ...health, ...(error ? { error: { code: error.code, message: redact(error.message) } } : {}) }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
