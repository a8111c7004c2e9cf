import type { Verdict } from './failure.ts'

/** One line of a dialect's error table; docs/sink-errors.md shows them all. */
export interface ErrorEntry {
  /** As the server sends it: SQLSTATE (two characters stand for the class), or MySQL's error number. */
  readonly code: string
  /** As the reference names it. */
  readonly name: string
  /** What the sink meets it as, where the name does not say it. */
  readonly meaning: string
  readonly verdict: Verdict
}

export type ErrorLine = readonly [code: string, name: string, meaning?: string]

/** Lines that mean the same for a batch. */
export function entries(verdict: Verdict, lines: readonly ErrorLine[]): ErrorEntry[] {
  return lines.map(([code, name, meaning = '']) => ({ code, name, meaning, verdict }))
}

export const data: Verdict = { kind: 'record', errorClass: 'data' }
export const constraint: Verdict = { kind: 'record', errorClass: 'constraint' }
export const conflict: Verdict = { kind: 'conflict' }
export const environment: Verdict = { kind: 'environment' }
export const disconnected: Verdict = { kind: 'disconnected' }
export const refused: Verdict = { kind: 'refused' }
export const tls: Verdict = { kind: 'tls' }
export const missing: Verdict = { kind: 'missing' }
export const forbidden: Verdict = { kind: 'forbidden' }
