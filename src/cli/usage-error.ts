import { EtlError, UsageError } from '../errors.ts'
import { nearest } from './nearest.ts'

/** What a command knows of itself; enough to correct a mistyped flag. */
export interface CommandSurface {
  readonly id: string
  readonly flags: readonly string[]
}

/**
 * oclif's parser errors (unknown flag, missing argument, bad value) in the form of every other error:
 * one sentence, the nearest flag, and the help to read. Other errors come back as they are, except
 * that the parser's wrapping around the message of a flag's own parse function is taken off.
 */
export function asUsageError(err: Error, command: CommandSurface): Error {
  const message = plainMessage(err.message)
  if (err instanceof EtlError) {
    err.message = message
    return err
  }
  if (!isParserError(err)) return err
  const help = `etl ${command.id.replaceAll(':', ' ')} --help`
  const unknown = /^Nonexistent flags?: (.+)$/.exec(message)?.[1]
  if (!unknown) return new UsageError(message, { next: help })
  const first = unknown.split(', ')[0] ?? unknown
  const guess = nearest(first.replace(/^-+/, ''), command.flags)
  return new UsageError(`unknown flag ${unknown}`, {
    cause: guess === undefined ? undefined : new Error(`the nearest flag is --${guess}`),
    next: help,
  })
}

function isParserError(err: Error): boolean {
  return (err as { oclif?: { exit?: number } }).oclif?.exit === 2
}

/** Escape sequences that oclif puts around parts of its messages. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: an ANSI escape sequence starts with one
const ANSI = /\u001b\[[0-9;]*m/g

/** The parser's message on one line, without colours and without its hint at --help. */
function plainMessage(message: string): string {
  const text = message.replaceAll(ANSI, '').replace(/\nSee more help with --help$/, '')
  const flag = /^Parsing (--\S+) \n\t(.*)$/s.exec(text)
  if (flag) return `${flag[1]}: ${flag[2]}`
  const list = /^The following errors? occurred:\s+(.*)$/s.exec(text)
  if (list?.[1]) return list[1].split(/\n\s*/).join('; ')
  const missing = /^Missing \d+ required args?:\n(.*?)(\n\n|$)/s.exec(text)
  if (missing?.[1]) return `missing argument: ${missing[1].split('\n').map(argumentName).join(', ')}`
  return text.startsWith('Unexpected argument') ? text.replace('Unexpected', 'unexpected') : text
}

function argumentName(line: string): string {
  return (line.trim().split(/\s+/)[0] ?? '').toUpperCase()
}
