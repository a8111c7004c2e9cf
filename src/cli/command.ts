import { Command, Flags } from '@oclif/core'
import { EtlError, ExitCode } from '../errors.ts'
import { errorDocument, errorText } from './error-text.ts'

/**
 * Base of every command: `--json` (one document on stdout), `--debug` (stack traces), and errors
 * printed as what, where, why and next, with the documented exit code.
 */
export abstract class EtlCommand extends Command {
  static override enableJsonFlag = true
  static override baseFlags = {
    debug: Flags.boolean({
      description: 'print stack traces and debug logs',
      env: 'ETL_DEBUG',
      helpGroup: 'GLOBAL',
    }),
  }

  /** Ends the process with `code` after the output is flushed; for verdicts, not for errors. */
  protected exitWith(code: ExitCode): void {
    process.exitCode = code
  }

  protected override async catch(
    err: Error & { exitCode?: number; oclif?: { exit?: number } },
  ): Promise<void> {
    const exit = exitCodeOf(err)
    process.exitCode = exit
    if (exit === ExitCode.ok) return
    const debug = this.argv.includes('--debug') || process.env.ETL_DEBUG === 'true'
    if (this.jsonEnabled()) this.logJson(errorDocument(err, exit))
    else this.logToStderr(errorText(err, { debug, command: this.id }))
  }
}

function exitCodeOf(err: Error & { oclif?: { exit?: number } }): number {
  if (err instanceof EtlError) return err.exitCode
  // oclif's own parser errors (unknown flag, missing argument) carry exit 2.
  return err.oclif?.exit ?? ExitCode.unexpected
}
