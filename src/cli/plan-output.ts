import type { Step } from '../plan/step.ts'

const signs: Record<Step['kind'], string> = { create: '+', alter: '~', drop: '-' }

const width = 80

/** Steps as people read them, one below the other, with the SQL when asked for. */
export function planText(steps: readonly Step[], options: { sql: boolean }): string {
  return steps
    .flatMap((step) => [
      ...stepLines(step),
      ...(options.sql ? step.sql.map((sql) => `${sql.replace(/^/gm, '    ')};`) : []),
    ])
    .join('\n')
}

/** One line where it fits, else the detail below. */
function stepLines(step: Step): string[] {
  const head = `${signs[step.kind]} ${step.place}: ${step.object}`
  const consent = step.consent ? [`    needs --execute --allow ${step.consent}`] : []
  const whole = `${head}  ${step.detail}`
  return whole.length <= width ? [whole, ...consent] : [head, `    ${step.detail}`, ...consent]
}

/** The same for `--json`. */
export function planDocument(steps: readonly Step[]): object[] {
  return steps.map(({ part, place, kind, object, detail, sql, consent }) => ({
    part,
    place,
    kind,
    object,
    detail,
    sql,
    ...(consent ? { consent } : {}),
  }))
}
