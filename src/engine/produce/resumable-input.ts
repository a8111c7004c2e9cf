import { createHash } from 'node:crypto'
import { realpath, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { UsageError } from '../../errors.ts'
import type { TransactionalId, Transactions } from '../../kafka/transactions.ts'
import { checkFlags, fromStoredPlace, type Position, type SameFlags, toStoredPlace } from './position.ts'

/** Names an input among all that are sent to a topic, so that a later run finds its position. */
export interface InputName {
  /** As messages name it. */
  readonly name: string
  /** Transactional id and consumer group. */
  readonly id: string
}

const idPrefix = 'etl-produce'
const readableCharacters = 60

/**
 * A file goes by its real path, or by the name that the user gives it. Throws UsageError for what cannot be read again (stdin, pipes) and when
 * one name is given for several files.
 */
export async function fileNames(
  paths: readonly string[],
  topic: string,
  resumeId: string | undefined,
): Promise<InputName[]> {
  if (resumeId !== undefined && paths.length > 1)
    throw new UsageError('--resume-id names one input, and there are several', {
      next: 'a run for each of them; without --resume-id each goes by its path',
    })
  const names = await Promise.all(
    paths.map(async (path) => {
      const real = await regularFile(path)
      return { name: path, id: inputId(topic, resumeId ?? `${readable(basename(real))}-${shortHash(real)}`) }
    }),
  )
  const twice = names.find(({ id }, index) => names.findIndex((other) => other.id === id) < index)
  if (twice) throw new UsageError('with --resume a file can be named once only', { where: twice.name })
  return names
}

/** Made-up records go by their seed. */
export function generatedName(topic: string, seed: number, resumeId: string | undefined): InputName {
  return { name: 'generated', id: inputId(topic, resumeId ?? `generate-${seed}`) }
}

/** Takes the input over from whatever run had it, and reads how far it came. Throws what `Transactions.take` throws, and ConfigError. */
export async function takeInput(
  transactions: Transactions,
  { name, id }: InputName,
  target: { topic: string; topicId: string; flags: SameFlags },
): Promise<ResumableInput> {
  const owned = await transactions.take(id, target.topic)
  const stored = owned.stored && fromStoredPlace(owned.stored, id)
  // Records of a topic that was deleted are gone, and with them what was sent.
  const known = stored?.topicId === target.topicId ? stored : undefined
  const { flags } = target
  if (known) {
    const early = Object.fromEntries(Object.entries(known.flags).filter(([flag]) => !lateFlags.has(flag)))
    checkFlags(early, flags, name)
  }
  return new ResumableInput({ name, owned, topicId: target.topicId, flags, known })
}

/** Flags whose values are known when the file is opened. */
const lateFlags = new Set(['format', 'delimiter'])

interface ResumableInputOptions {
  readonly name: string
  readonly owned: TransactionalId
  readonly topicId: string
  readonly flags: SameFlags
  readonly known: { readonly position: Position; readonly flags: SameFlags } | undefined
}

/** One input that this process has taken over, with its transactions. */
export class ResumableInput {
  readonly name: string
  readonly owned: TransactionalId
  /** Where the runs before stopped; undefined: none came so far as to commit something. */
  readonly earlier: Position | undefined
  readonly #topicId: string
  readonly #flagsBefore: SameFlags | undefined
  #flags: SameFlags

  constructor({ name, owned, topicId, flags, known }: ResumableInputOptions) {
    this.name = name
    this.owned = owned
    this.earlier = known?.position
    this.#topicId = topicId
    this.#flags = flags
    this.#flagsBefore = known?.flags
  }

  /** To be called when the input is open, before any of it is sent. Throws ConfigError. */
  opened(format: { format: string; delimiter: string }): void {
    this.#flags = { ...this.#flags, ...format }
    if (this.#flagsBefore) checkFlags(this.#flagsBefore, this.#flags, this.name)
  }

  /** Makes the position part of the open transaction. */
  async store(position: Position): Promise<void> {
    await this.owned.store(toStoredPlace({ position, flags: this.#flags, topicId: this.#topicId }))
  }
}

function inputId(topic: string, name: string): string {
  return `${idPrefix}-${topic}-${name}`
}

async function regularFile(path: string): Promise<string> {
  const next = 'write the records to a file, and send that with --resume; or leave --resume out'
  if (path === '-')
    throw new UsageError('stdin is not resumable: what was read from it cannot be read again', { next })
  try {
    const real = await realpath(path)
    if ((await stat(real)).isFile()) return real
  } catch (cause) {
    throw new UsageError('the input cannot be opened', { where: path, cause })
  }
  throw new UsageError(
    'only a file is resumable: what was read from a pipe or a device cannot be read again',
    {
      where: path,
      next,
    },
  )
}

function readable(name: string): string {
  return name.replaceAll(/[^\w.-]/g, '_').slice(0, readableCharacters)
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}
