import { appendFileSync } from 'node:fs'
import type { Fault } from './fault.ts'

/** Writes down what happened when, beside the processes' logs. */
export function journalOf(file: string): (event: string, fault: Fault) => void {
  return (event, { number, kind, target }) => {
    appendFileSync(file, `${new Date().toISOString()} ${event} ${number} ${kind} ${target}\n`)
  }
}
