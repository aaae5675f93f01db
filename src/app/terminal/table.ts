import { type Paint, printable } from './paint.ts'

export interface Column<Row> {
  readonly title: string
  readonly cell: (row: Row) => string
  readonly align?: 'right'
  /** Colours the cell; asked with its text as it is shown. */
  readonly colour?: (row: Row, paint: Paint) => (text: string) => string
}

const gap = '  '

/** An aligned table with a header; lines end without white space and with a line break each. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], paint: Paint): string {
  const cells = rows.map(row => columns.map(column => printable(column.cell(row))))
  const titles = columns.map(column => column.title)
  const widths = titles.map((title, at) => Math.max(...[title, ...cells.map(row => row[at]!)].map(lengthOf)))
  const line = (texts: readonly string[], row?: Row) => {
    // What ends a line is not padded: behind colours, white space could not be cut off any more.
    const last = texts.findLastIndex(text => text !== '')
    return texts
      .slice(0, last + 1)
      .map((text, at) => {
        const { align, colour } = columns[at]!
        const padding = ' '.repeat(widths[at]! - lengthOf(text))
        const coloured = row !== undefined && colour ? colour(row, paint)(text) : text
        return align === 'right' ? padding + coloured : at === last ? coloured : coloured + padding
      })
      .join(gap)
  }
  return [paint.bold(line(titles)), ...cells.map((texts, at) => line(texts, rows[at]))]
    .map(text => `${text}\n`)
    .join('')
}

/** Names and values under each other; what has no value is left out. */
export function details(rows: readonly Detail[], paint: Paint): string {
  const known = rows.filter(([, value]) => value !== undefined && value !== '')
  const width = Math.max(...known.map(([name]) => lengthOf(name)))
  const plain = (text: string) => text
  return known
    .map(
      ([name, value, colour = plain]) =>
        `${paint.bold(name.padEnd(width))}${gap}${colour(printable(value!))}\n`,
    )
    .join('')
}

/** A name, its value, and a colour for it. */
export type Detail = readonly [string, string | undefined, ((text: string) => string)?]

/** In characters as people count them, where each takes one column. */
function lengthOf(text: string): number {
  return [...text].length
}
