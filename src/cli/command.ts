import { Command, Flags } from '@oclif/core'
import type { ExitCode } from '../errors.ts'
import { outputMode, reportFailure } from './failure.ts'
import { jsonText } from './output.ts'
import { asUsageError } from './usage-error.ts'

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

  override logJson(json: unknown): void {
    process.stdout.write(`${jsonText(json)}\n`)
  }

  protected override async catch(err: Error): Promise<void> {
    // In development oclif warns of commands that parsed nothing; this one has something better to say.
    this.parsed = true
    const flags = Object.keys({ ...this.ctor.baseFlags, ...this.ctor.flags, json: true })
    reportFailure(asUsageError(err, { id: this.id ?? '', flags }), {
      ...outputMode(this.argv),
      json: this.jsonEnabled(),
    })
  }
}
