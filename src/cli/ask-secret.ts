import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { UsageError } from '../errors.ts'

/** True when somebody sits at a terminal who can answer a question. */
export function canAsk(): boolean {
  return Boolean(process.stdin.isTTY && process.stderr.isTTY)
}

/** Asks for a secret on the terminal; what is typed is not shown. Throws UsageError when the question is broken off. */
export async function askSecret(what: string): Promise<string> {
  const { stdin, stderr } = process
  // readline echoes what is typed to its output; this one shows nothing.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: nowhere, terminal: true, historySize: 0 })
  const abort = new AbortController()
  lines.once('SIGINT', () => abort.abort())
  lines.once('close', () => abort.abort())
  // Not before: until readline has the terminal, the terminal itself shows what is typed.
  stderr.write(`${what}: `)
  try {
    return await lines.question('', { signal: abort.signal })
  } catch (cause) {
    throw new UsageError(`the ${what} was not typed`, { cause })
  } finally {
    lines.close()
    stderr.write('\n')
  }
}
