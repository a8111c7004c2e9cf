import { EtlError } from '../errors.ts'
import { redact } from './redact.ts'

/** One error as people read it on stderr: what, where, why, next. No stack trace unless `debug`. */
export function errorText(err: Error, context: { debug: boolean }): string {
  const { where, why, next } = details(err)
  const lines = [`Error: ${redact(err.message || err.name)}`]
  if (where) lines.push(`  where: ${where}`)
  if (why) lines.push(`  why:   ${why}`)
  lines.push(`  next:  ${next ?? 'run the same command with --debug and report what it prints'}`)
  if (err instanceof EtlError && next === undefined) lines.pop()
  if (context.debug && err.stack) lines.push('', redact(stacks(err)))
  return lines.join('\n')
}

/** The same error as the one JSON document of `--json`. */
export function errorDocument(err: Error, exitCode: number): object {
  return {
    error: {
      code: err instanceof EtlError ? err.code : 'unexpected',
      exitCode,
      message: redact(err.message || err.name),
      ...details(err),
    },
  }
}

function details(err: Error): { where?: string; why?: string; next?: string } {
  const known = err instanceof EtlError ? err : undefined
  const why = causes(err).join(': ')
  return {
    ...(known?.where ? { where: redact(known.where) } : {}),
    ...(why ? { why } : {}),
    ...(known?.next ? { next: redact(known.next) } : {}),
  }
}

/** Messages of the causes below `err`, outermost first, each once. */
function causes(err: Error): string[] {
  const messages = causeChain(err).map((cause) => redact(causeText(cause)))
  return [...new Set(messages)].filter((message) => message && message !== err.message)
}

/** The causes below `err`, at most 5: a chain can be a circle. */
function causeChain(err: Error): unknown[] {
  const chain: unknown[] = []
  for (let at = err.cause; at !== undefined && at !== null && chain.length < 5; ) {
    chain.push(at)
    at = at instanceof Error ? at.cause : undefined
  }
  return chain
}

/** Node's AggregateError (a host name with several addresses) has no message of its own. */
function causeText(cause: unknown): string {
  if (cause instanceof AggregateError && !cause.message) {
    return [...new Set(cause.errors.map(causeText))].join(', ')
  }
  // OpenSSL's messages end with a line break.
  return (cause instanceof Error ? cause.message || cause.name : String(cause)).trim()
}

function stacks(err: Error): string {
  const all = [err, ...causeChain(err)].map((each) => (each instanceof Error && each.stack) || String(each))
  return all.join('\nCaused by: ')
}
