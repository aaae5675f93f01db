import { isList, isObject, type Json, type JsonObject, member, oversize } from './json.ts'

/** What differs at one place of two documents: the values as JSON, cut to a readable length; absent where there is none. */
export interface Difference {
  readonly path: string
  readonly before?: string
  readonly after?: string
}

const mostDifferences = 200
const longestValue = 200
const secretNames: ReadonlySet<string> = new Set(['password', 'clientsecret', 'secret'])

/** What a dry run shows: the differences of two documents, in the order of the second, 200 at most. Passwords are hidden. */
export function explainDifference(before: JsonObject | undefined, after: JsonObject): readonly Difference[] {
  const tooBig = oversize(before) ?? oversize(after)
  if (tooBig !== undefined) return [{ path: '$', after: `the document ${tooBig}` }]
  const found: Difference[] = []
  compare('$', before ?? {}, after, false, found)
  return found
}

function compare(
  path: string,
  before: Json | undefined,
  after: Json | undefined,
  secret: boolean,
  found: Difference[],
): void {
  if (found.length >= mostDifferences || before === after) return
  if (isObject(before) && isObject(after)) {
    const names = new Set([...Object.keys(after), ...Object.keys(before)])
    for (const name of names)
      compare(
        `${path}${step(name)}`,
        member(before, name),
        member(after, name),
        secret || isSecret(name),
        found,
      )
  } else if (isList(before) && isList(after)) {
    const length = Math.max(before.length, after.length)
    for (let at = 0; at < length && found.length < mostDifferences; at++)
      compare(`${path}[${at}]`, before[at], after[at], secret, found)
  } else {
    found.push({
      path,
      ...(before !== undefined && { before: shown(before, secret) }),
      ...(after !== undefined && { after: shown(after, secret) }),
    })
  }
}

function isSecret(name: string): boolean {
  return secretNames.has(name.toLowerCase())
}

function step(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) ? `.${name}` : `['${name.replace(/['\\]/g, '\\$&')}']`
}

function shown(value: Json, secret: boolean): string {
  if (secret) return '<hidden>'
  const text = JSON.stringify(value, (name, inner) => (isSecret(name) ? '<hidden>' : inner))
  return text.length > longestValue ? `${text.slice(0, longestValue)}...` : text
}
