import { SystemFailure } from '../failure.ts'
import { isObject, isSafeName, type Json, type JsonObject } from '../transformation/index.ts'

/**
 * The rows of a CSV file (RFC 4180, UTF-8), whose first line names attributes: `userName`, `name.givenName`,
 * `emails[0].value`; names of extensions as they are, with a last `:` before the attribute. A column `members` or
 * `groups` holds several values. Throws SystemFailure, naming the line.
 */
export async function readCsv(
  bytes: Buffer,
  name: string,
  properties: Readonly<Record<string, string>>,
): Promise<readonly JsonObject[]> {
  const separator = properties['file.csv.list.separator'] ?? ';'
  const rows: JsonObject[] = []
  let columns: readonly Column[] | undefined
  // Only who reads such files needs it in memory.
  const { CsvError, parse } = await import('csv-parse')
  try {
    const parser = parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes), {
      delimiter: properties['file.csv.delimiter'] ?? ',',
      bom: true,
      skip_empty_lines: true,
      max_record_size: 1_000_000,
    })
    for await (const cells of parser as AsyncIterable<string[]>) {
      if (columns) rows.push(entityOf(cells, columns, separator))
      else columns = cells.map(cell => columnOf(cell, name))
    }
  } catch (error) {
    if (error instanceof CsvError || error instanceof TypeError)
      throw new SystemFailure(`${name}: is not CSV in UTF-8: ${error.message}`, { fatal: true })
    throw error
  }
  return rows
}

interface Column {
  /** Names of members and indexes of lists, from the outside in. */
  readonly path: readonly (string | number)[]
  readonly holdsList: boolean
}

function columnOf(title: string, file: string): Column {
  const trimmed = title.trim()
  const colon = trimmed.lastIndexOf(':')
  const extension = colon < 0 ? [] : [trimmed.slice(0, colon)]
  const inner = [...trimmed.slice(colon + 1).matchAll(/([^.[\]]+)|\[(\d{1,2})\]/g)].map(
    ([, member, index]) => (index === undefined ? member! : Number(index)),
  )
  const path = [...extension, ...inner]
  if (path.length === 0 || path.some(part => typeof part === 'string' && !isSafeName(part)))
    throw new SystemFailure(`${file}: line 1 has a column that names no attribute`, { fatal: true })
  return { path, holdsList: trimmed === 'members' || trimmed === 'groups' }
}

function entityOf(cells: readonly string[], columns: readonly Column[], separator: string): JsonObject {
  const entity: { [name: string]: Json } = {}
  cells.forEach((cell, at) => {
    const column = columns[at]
    if (!column || cell === '') return
    put(entity, column.path, column.holdsList ? valuesIn(cell, separator) : literal(cell))
  })
  return entity
}

const valuesIn = (cell: string, separator: string): Json =>
  cell
    .split(separator)
    .map(one => one.trim())
    .filter(Boolean)
    .map(value => ({ value }))

const literal = (cell: string): Json => (cell === 'true' ? true : cell === 'false' ? false : cell)

function put(entity: { [name: string]: Json }, path: readonly (string | number)[], value: Json): void {
  let at = entity as Record<string | number, Json>
  path.slice(0, -1).forEach((part, i) => {
    const known = at[part]
    const next = isObject(known) || Array.isArray(known) ? known : typeof path[i + 1] === 'number' ? [] : {}
    at[part] = next as Json
    at = next as Record<string | number, Json>
  })
  at[path.at(-1)!] = value
}
