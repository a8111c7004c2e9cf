/** A number as people read it, with separators of thousands. */
export function formatCount(n: number | bigint): string {
  return n.toLocaleString('en-US')
}

/** The same for a table; a dash for what is not known. */
export function countOrDash(n: number | bigint | undefined): string {
  return n === undefined ? '–' : formatCount(n)
}
