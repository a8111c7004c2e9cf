import { UsageError } from '../errors.ts'
import { Random } from '../source/generate/random.ts'
import { type Fault, type FaultKind, faultKinds, type Scope, specOf } from './fault.ts'

/** Milliseconds from one fault to the next: a little less than a second on the average. */
const gap = { least: 200, most: 1_500 } as const

export interface PlanRequest {
  readonly seed: number
  readonly count: number
  readonly kinds: readonly FaultKind[]
  readonly scope: Scope
}

/**
 * The faults of a run. The same request gives the same plan on every machine. Each kind comes at least once when there are enough
 * faults, the rest by weight. Throws UsageError when no kind has a target.
 */
export function planFaults({ seed, count, kinds, scope }: PlanRequest): Fault[] {
  const possible = kinds.filter((kind) => specOf(kind).targets(scope).length > 0)
  if (possible.length === 0) {
    throw new UsageError('none of the chosen faults is possible here', {
      next: `choose among: ${faultKinds.filter((kind) => specOf(kind).targets(scope).length > 0).join(', ')}`,
    })
  }
  const random = new Random(seed)
  let at = 0
  return chooseKinds(random, possible, count).map((kind, index) => {
    // A state of its own for each fault: what one kind draws does not move the others.
    random.start(index + 1)
    at += random.between(gap.least, gap.most)
    const spec = specOf(kind)
    const target = random.pick(spec.targets(scope))
    return { number: index + 1, at, kind, target, lasts: 0, amount: 0, ...spec.draw(random, scope) }
  })
}

/** Which kinds may be hit at all: `only` (all when empty) without `skip`. Throws UsageError for a name that is none. */
export function selectKinds(only: readonly string[], skip: readonly string[]): FaultKind[] {
  for (const name of [...only, ...skip]) {
    if (faultKinds.some((kind) => kind === name)) continue
    throw new UsageError(`there is no fault "${name}"`, { next: `faults: ${faultKinds.join(', ')}` })
  }
  return faultKinds.filter((kind) => (only.length === 0 || only.includes(kind)) && !skip.includes(kind))
}

function chooseKinds(random: Random, kinds: readonly FaultKind[], count: number): FaultKind[] {
  random.start(0)
  const weights = kinds.map((kind) => specOf(kind).weight)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const chosen = shuffled(random, kinds).slice(0, count)
  while (chosen.length < count) {
    let left = random.below(total)
    const at = weights.findIndex((weight) => {
      left -= weight
      return left < 0
    })
    chosen.push(kinds[at] as FaultKind)
  }
  return shuffled(random, chosen)
}

/** Fisher and Yates. */
function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const list = [...items]
  for (let i = list.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const item = list[i] as T
    list[i] = list[j] as T
    list[j] = item
  }
  return list
}
