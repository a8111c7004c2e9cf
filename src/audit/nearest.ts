type Values = readonly (string | null)[]

/**
 * The candidate that a row was most likely made of, and the first column in which they differ: the one with the fewest
 * different columns, if more than half of the columns are the same.
 */
export function nearest<T>(
  row: Values,
  candidates: readonly T[],
  valuesOf: (candidate: T) => Values,
): { readonly candidate: T; readonly column: number } | undefined {
  let best: { readonly candidate: T; readonly column: number } | undefined
  let fewest = row.length / 2
  for (const candidate of candidates) {
    const values = valuesOf(candidate)
    let different = 0
    let column = -1
    for (let i = 0; i < row.length; i++) {
      if (row[i] === values[i]) continue
      different++
      if (column < 0) column = i
    }
    if (different === 0 || different >= fewest) continue
    fewest = different
    best = { candidate, column }
  }
  return best
}
