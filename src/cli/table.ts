import Table from 'cli-table3'

const number = /^[+-]?[\d,.]+(\s?[%a-zA-Z/]{1,5})?$|^–?$/

const noBorders = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '─',
  'mid-mid': '  ',
  right: '',
  'right-mid': '',
  middle: '  ',
}

/**
 * A table for people: two spaces between columns, a rule under the head, columns of numbers to the right. No colours, no frame: it
 * pastes well and pipes well.
 */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: [...head],
    chars: noBorders,
    colAligns: head.map((_, i) => (rows.every((row) => number.test(row[i] ?? '')) ? 'right' : 'left')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  })
  table.push(...rows.map((row) => [...row]))
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}
