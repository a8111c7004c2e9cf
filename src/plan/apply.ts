import { ConfigError } from '../errors.ts'
import type { Step } from './step.ts'

export interface ApplyOptions {
  readonly consents: readonly string[]
  readonly onDone: (step: Step) => void
}

/** Makes the steps in order. Throws ConfigError before the first one when a consent is missing: nothing half done. */
export async function applySteps(steps: readonly Step[], { consents, onDone }: ApplyOptions): Promise<void> {
  const refused = steps.filter((step) => step.consent !== undefined && !consents.includes(step.consent))
  const [first] = refused
  if (first)
    throw new ConfigError(`${first.object}: ${first.detail}: that needs a consent`, {
      where: first.place,
      next: `the same command with --execute ${refused.map((step) => `--allow ${step.consent}`).join(' ')}`,
    })
  for (const step of steps) {
    await step.run()
    onDone(step)
  }
}
