import type { Step } from '../plan/step.ts'

const signs: Record<Step['kind'], string> = { create: '+', alter: '~', drop: '-' }

/** Steps as people read them, a line each and the SQL below when asked for. */
export function planText(steps: readonly Step[], options: { sql: boolean }): string {
  return steps
    .flatMap((step) => [
      `${signs[step.kind]} ${step.place}: ${step.object}  ${step.detail}${step.consent ? `  [needs --execute --allow ${step.consent}]` : ''}`,
      ...(options.sql ? step.sql.map((sql) => `${sql.replace(/^/gm, '    ')};`) : []),
    ])
    .join('\n')
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
