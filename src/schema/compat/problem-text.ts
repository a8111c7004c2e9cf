import type { LevelProblem } from './compatibility.ts'

/** Incompatibilities for people, grouped by version and direction. */
export function problemsText(problems: readonly LevelProblem[]): string {
  const groups = Map.groupBy(problems, ({ direction, against }) => heading(direction, against))
  return [...groups]
    .map(([title, members]) =>
      [title, ...members.flatMap(({ path, rule, message }) => [`  ${path}  ${rule}`, `    ${message}`])].join(
        '\n',
      ),
    )
    .join('\n')
}

function heading(direction: LevelProblem['direction'], against: string): string {
  return direction === 'backward'
    ? `data written with ${against} cannot be read with the new schema:`
    : `data written with the new schema cannot be read with ${against}:`
}
