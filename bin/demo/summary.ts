import { textTable } from '../../src/cli/table.ts'
import type { Result } from './commands.ts'

interface Produced {
  readonly sent: number
  readonly read: number
  readonly bad: number
  readonly seconds: number
}

interface Consumed {
  readonly seconds: number
  readonly read: number
  readonly recordsPerSecond: number
}

/** One line a step, and whether every check held. */
export function summaryTable(
  databases: readonly string[],
  produced: Result,
  consumed: readonly Result[],
  verified: readonly Result[],
): { text: string; ok: boolean } {
  const sent = JSON.parse(produced.stdout) as Produced
  const rows = [
    [
      'produce',
      '4 threads',
      count(sent.sent),
      sent.seconds.toFixed(1),
      count(sent.sent / sent.seconds),
      yes(sent.bad === 0),
    ],
    ...databases.map((sink, i) => {
      const run = JSON.parse((consumed[i] as Result).stdout) as Consumed
      return [
        `consume ${sink}`,
        'the rest, after kill -9',
        count(run.read),
        run.seconds.toFixed(1),
        count(run.recordsPerSecond),
        'ok',
      ]
    }),
    ...databases.map((sink, i) => {
      const { code, seconds } = verified[i] as Result
      return [
        `verify ${sink}`,
        'log = ledger = rows',
        count(sent.sent),
        seconds.toFixed(1),
        '–',
        yes(code === 0),
      ]
    }),
  ]
  const ok = sent.bad === 0 && sent.sent > 0 && verified.every(({ code }) => code === 0)
  const verdict = ok
    ? `OK: ${count(sent.sent)} records, in each database exactly once`
    : 'FAILED: see the lines above'
  return {
    text: `${textTable(['step', 'how', 'records', 'seconds', 'per second', 'verdict'], rows)}\n${verdict}`,
    ok,
  }
}

function count(n: number): string {
  return Math.round(n).toLocaleString('en-US')
}

function yes(held: boolean): string {
  return held ? 'ok' : 'FAILED'
}
