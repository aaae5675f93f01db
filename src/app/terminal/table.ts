import { type Paint, printable } from './paint.ts'

export interface Column<Row> {
  readonly title: string
  readonly cell: (row: Row) => string
  readonly align?: 'right'
}

const gap = '  '

/** An aligned table with a header; lines end without white space and with a line break each. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], paint: Paint): string {
  const cells = rows.map(row => columns.map(column => printable(column.cell(row))))
  const titles = columns.map(column => column.title)
  const widths = titles.map((title, at) => Math.max(...[title, ...cells.map(row => row[at]!)].map(lengthOf)))
  const line = (texts: readonly string[]) =>
    texts
      .map((text, at) => {
        const padding = ' '.repeat(widths[at]! - lengthOf(text))
        return columns[at]!.align === 'right' ? padding + text : text + padding
      })
      .join(gap)
      .trimEnd()
  return [paint.bold(line(titles)), ...cells.map(line)].map(text => `${text}\n`).join('')
}

/** Names and values under each other; what has no value is left out. */
export function details(rows: readonly (readonly [string, string | undefined])[], paint: Paint): string {
  const known = rows.filter((row): row is [string, string] => row[1] !== undefined && row[1] !== '')
  const width = Math.max(...known.map(([name]) => lengthOf(name)))
  return known.map(([name, value]) => `${paint.bold(name.padEnd(width))}${gap}${printable(value)}\n`).join('')
}

/** In characters as people count them, where each takes one column. */
function lengthOf(text: string): number {
  return [...text].length
}
