/** A place in claims: a name, or a path such as `$.realm_access.roles`, `roles[0]`, `$['https://x/groups']`. */
export interface ClaimPath {
  /** The texts that stand there: one, or the items of a list. Numbers and booleans count as their text. */
  readonly values: (claims: unknown) => readonly string[]
}

const mostSteps = 20
const step = /\.([^.[\]'"]+)|\[(?:(\d{1,4})|\*|'([^']*)'|"([^"]*)")\]/y

/** Reads a path; undefined where it is none. */
export function claimPath(source: string): ClaimPath | undefined {
  const steps = stepsOf(source)
  if (!steps) return undefined
  return {
    values(claims) {
      let found: unknown[] = [claims]
      for (const name of steps) found = found.flatMap(value => inside(value, name))
      return found.flatMap(value => (Array.isArray(value) ? value : [value])).flatMap(asText)
    },
  }
}

/** `undefined` in the list: every item. */
type Steps = readonly (string | number | undefined)[]

function stepsOf(source: string): Steps | undefined {
  // A claim whose name has dots or slashes, such as a URL, is meant as it stands.
  if (!source.startsWith('$') && !/^[A-Za-z_][\w-]*([.[]|$)/.test(source))
    return source === '' ? undefined : [source]
  const text = source.startsWith('$') ? source.slice(1) : `.${source}`
  const steps: (string | number | undefined)[] = []
  step.lastIndex = 0
  while (step.lastIndex < text.length) {
    const found = step.exec(text)
    if (!found || steps.length >= mostSteps) return undefined
    const [, member, index, single, double] = found
    steps.push(index === undefined ? (member ?? single ?? double) : Number(index))
  }
  return steps.length === 0 ? undefined : steps
}

function inside(value: unknown, name: string | number | undefined): unknown[] {
  if (Array.isArray(value)) {
    if (name === undefined) return value
    return typeof name === 'number'
      ? name in value
        ? [value[name]]
        : []
      : value.flatMap(item => inside(item, name))
  }
  if (typeof value !== 'object' || value === null || typeof name === 'number') return []
  if (name === undefined) return Object.values(value)
  return Object.hasOwn(value, name) ? [(value as Record<string, unknown>)[name]] : []
}

function asText(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'number' || typeof value === 'boolean' ? [String(value)] : []
}
