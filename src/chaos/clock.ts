import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Loaded into every thread of a consumer before anything else (NODE_OPTIONS): `Date` is moved by what the process's clock file says.
 * The machine's clock cannot be stepped for one process, and the timers of a process do not follow it anyway: they are monotonic, here
 * as after a real step.
 */
const shim = `'use strict'
const { readFile } = require('node:fs')
const file = process.env.ETL_CHAOS_CLOCK
const RealDate = Date
let shift = 0
if (file) {
  setInterval(() => readFile(file, 'utf8', (error, text) => { shift = error ? 0 : Number(text) || 0 }), 200).unref()
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, self) =>
      Reflect.construct(target, args.length === 0 ? [RealDate.now() + shift] : args, self),
    apply: () => new RealDate(RealDate.now() + shift).toString(),
    get: (target, key) => (key === 'now' ? () => RealDate.now() + shift : Reflect.get(target, key)),
  })
}
`

/** The wall clocks of the run's consumers, below `folder`. */
export class Clocks {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async prepare(): Promise<void> {
    await writeFile(this.#shim, shim)
  }

  /** What a process with the name must have in its environment. */
  environment(name: string): NodeJS.ProcessEnv {
    const options = `${process.env.NODE_OPTIONS ?? ''} --require=${JSON.stringify(this.#shim)}`
    return { NODE_OPTIONS: options.trim(), ETL_CHAOS_CLOCK: this.#file(name) }
  }

  /** Moves the clock of a process; 0 milliseconds puts it right. */
  async step(name: string, milliseconds: number): Promise<void> {
    if (milliseconds === 0) await rm(this.#file(name), { force: true })
    else await writeFile(this.#file(name), String(milliseconds))
  }

  get #shim(): string {
    return join(this.#folder, 'clock.cjs')
  }

  #file(name: string): string {
    return join(this.#folder, `clock-${name.replace('/', '-')}`)
  }
}
