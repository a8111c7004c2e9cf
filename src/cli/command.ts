import { Command, Flags } from '@oclif/core'
import { rememberTyped } from '../config/secrets.ts'
import { EtlError, type ExitCode } from '../errors.ts'
import { askSecret, canAsk } from './ask-secret.ts'
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

  /** Runs the command again after the user typed the secret that was missing; only before anything was done can one be. */
  override async _run<T>(): Promise<T> {
    const run = this.run.bind(this)
    this.run = () => askingForSecrets(run)
    return await super._run<T>()
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

/** Each secret is asked for once: a wrong one fails like a wrong one of any other place. */
async function askingForSecrets<T>(run: () => Promise<T>): Promise<T> {
  const asked = new Set<string>()
  for (;;) {
    try {
      return await run()
    } catch (err) {
      const secret = err instanceof EtlError ? err.secret : undefined
      if (secret === undefined || asked.has(secret) || !canAsk()) throw err
      asked.add(secret)
      rememberTyped(secret, await askSecret(secret))
    }
  }
}
