import { EtlError } from '../errors.ts'
import { redact } from './redact.ts'

/** One error as people read it on stderr. No stack trace unless `debug`. */
export function errorText(err: Error, context: { debug: boolean; command: string | undefined }): string {
  const lines = [`Error: ${firstLine(err)}`]
  if (err instanceof EtlError) {
    if (err.where) lines.push(`  where: ${redact(err.where)}`)
    const why = causes(err)
    if (why.length > 0) lines.push(`  why:   ${why.join(': ')}`)
    if (err.next) lines.push(`  next:  ${redact(err.next)}`)
  } else if (isParserError(err)) {
    lines.push(
      `  next:  etl ${(context.command ?? '').replaceAll(':', ' ')} --help`.replaceAll('  --', ' --'),
    )
  } else {
    lines.push('  next:  run the same command with --debug and report what it prints')
  }
  if (context.debug && err.stack) lines.push('', redact(err.stack))
  return lines.join('\n')
}

/** The same error as the one JSON document of `--json`. */
export function errorDocument(err: Error, exitCode: number): object {
  const known = err instanceof EtlError ? err : undefined
  return {
    error: {
      code: known?.code ?? (isParserError(err) ? 'usage' : 'unexpected'),
      exitCode,
      message: firstLine(err),
      ...(known?.where ? { where: redact(known.where) } : {}),
      ...(known && causes(known).length > 0 ? { why: causes(known).join(': ') } : {}),
      ...(known?.next ? { next: redact(known.next) } : {}),
    },
  }
}

function isParserError(err: Error): boolean {
  return (err as { oclif?: { exit?: number } }).oclif?.exit === 2
}

function firstLine(err: Error): string {
  return redact(isParserError(err) ? (err.message.split('\nSee more help')[0] ?? err.message) : err.message)
}

/** Messages of the causes below `err`, each once. */
function causes(err: Error): string[] {
  const seen: string[] = []
  let at: unknown = err.cause
  while (at !== undefined && at !== null && seen.length < 5) {
    const message = redact(at instanceof Error ? at.message || at.name : String(at))
    if (message && !seen.includes(message) && message !== err.message) seen.push(message)
    at = at instanceof Error ? at.cause : undefined
  }
  return seen
}
