import { isUtf8 } from 'node:buffer'
import { keepOut } from '../config/secrets.ts'
import { EtlError, ExitCode } from '../errors.ts'
import { errorDocument, errorText } from './error-text.ts'
import { jsonText } from './output.ts'
import { redact } from './redact.ts'

/** What a shell reports of a program that SIGPIPE ended: 128 + 13. */
const BROKEN_PIPE = 141

/** The global flags as they stand on the command line; needed where nothing is parsed yet. */
export interface OutputMode {
  readonly json: boolean
  readonly debug: boolean
}

export function outputMode(argv: readonly string[]): OutputMode {
  const end = argv.indexOf('--')
  const flags = end === -1 ? argv : argv.slice(0, end)
  const env = process.env.ETL_DEBUG
  return { json: flags.includes('--json'), debug: flags.includes('--debug') || env === 'true' || env === '1' }
}

/** Prints `err` (a document on stdout with `json`, else text on stderr) and sets the exit code. */
export function reportFailure(err: unknown, { json, debug }: OutputMode): void {
  const error = err instanceof Error ? err : new Error(String(err))
  const code = exitCodeOf(error)
  process.exitCode = code
  if (code === ExitCode.ok) return
  if (json) process.stdout.write(`${jsonText(errorDocument(error, code))}\n`)
  if (!json || debug) process.stderr.write(`${errorText(error, { debug })}\n`)
}

/** `this.exit(code)` of oclif throws an error that carries the code and nothing to print. */
function exitCodeOf(err: Error): number {
  if (err instanceof EtlError) return err.exitCode
  return (err as { oclif?: { exit?: number } }).oclif?.exit ?? ExitCode.unexpected
}

/**
 * Nets under everything: what no command caught is printed like any error (exit 1), and a reader that
 * went away (`etl … | head`) ends the process quietly. Its exit code is then 141, as for any program in a
 * pipe, and not 0: a verdict that nobody could read must not pass as a good one.
 */
export function installNets(mode: OutputMode): void {
  // A diagnostic report (--report-on-fatalerror and its like) would hold the environment, and so the passwords.
  if (process.report) process.report.excludeEnv = true
  for (const [name, value] of Object.entries(process.env))
    if (value && /^ETL_\w*(PASSWORD|PASSPHRASE|SECRET|TOKEN)$/.test(name)) keepOut(value)
  guard(process.stderr)
  process.on('uncaughtException', (err) => {
    reportFailure(err, mode)
    process.exit()
  })
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (err: NodeJS.ErrnoException) => {
      if (err.code === 'EPIPE') process.exit(process.exitCode || BROKEN_PIPE)
    })
  }
}

/** Lets nothing onto the stream with a secret in it, whoever writes: libraries with DEBUG set and worker threads do, too. */
function guard(stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean
  stream.write = (chunk: unknown, ...rest: unknown[]) => {
    const text = chunk instanceof Uint8Array && isUtf8(chunk) ? Buffer.from(chunk).toString('utf8') : chunk
    return write(typeof text === 'string' ? redact(text) : chunk, ...rest)
  }
}
