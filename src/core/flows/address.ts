import { Problem } from '../problem.ts'

/** Where a flow listens, below the prefix of its sender adapter. */
export interface Address {
  /** As written. */
  readonly text: string
  /** In lower case, without the trailing slash and star. */
  readonly path: string
  /** Written with `/*` at the end: everything below `path` comes to this flow. */
  readonly prefix: boolean
}

const longest = 512

/** The described rules of the HTTPS sender adapter, and what makes a path ambiguous. The first one broken is told. */
const rules: readonly { broken(text: string): boolean; says: string }[] = [
  { broken: text => !text.startsWith('/'), says: 'must begin with /, write for example /orders' },
  { broken: text => text.length > longest, says: `is too long, write at most ${longest} characters` },
  {
    broken: text => /[^A-Za-z0-9_/~.$*-]/.test(text),
    says: 'has a character that is not allowed, write only letters, digits and _ / ~ - . $ *',
  },
  {
    broken: text => text.includes('$', 2),
    says: 'may have $ only right after the leading /, as in /$orders',
  },
  {
    broken: text => text.includes('*') && !(text.endsWith('/*') && text.indexOf('*') === text.length - 1),
    says: 'may have * only as the last character and after a /, as in /orders/*',
  },
  {
    broken: text => text.split('/').some(segment => segment === '.' || segment === '..'),
    says: 'must not have . or .. as a segment, write the path that is meant',
  },
  {
    broken: text => /^\/[.~-]/.test(text),
    says: 'must not start with . - or ~, write a letter, digit or _ after the /',
  },
  {
    broken: text => text.split('/').indexOf('', 1) > 0,
    says: 'must not have an empty segment, leave out a second / in a row and a / at the end',
  },
]

/** Reads the address of a flow (the rules of the described HTTPS sender adapter). */
export function parseAddress(text: string): Address | Problem {
  const broken = rules.find(rule => rule.broken(text))
  if (broken) return new Problem('invalid_input', `the address ${broken.says}`)
  const prefix = text.endsWith('/*')
  return { text, path: (prefix ? text.slice(0, -2) : text).toLowerCase(), prefix }
}

/**
 * Whether two flows of one tenant and one sender adapter may not both be deployed: their addresses are equal
 * without regard to case, or one lies under the other's `/path/*`. `/path` itself does not lie under `/path/*`.
 */
export function conflict(a: Address, b: Address): boolean {
  return (a.prefix === b.prefix && a.path === b.path) || liesUnder(a, b) || liesUnder(b, a)
}

function liesUnder(address: Address, other: Address): boolean {
  return other.prefix && address.path.startsWith(`${other.path}/`)
}

export interface Match<Flow> {
  readonly flow: Flow
  /** What `*` stood for, as the caller wrote it, without the slash before it; empty for an address without `*`. */
  readonly rest: string
}

export interface Routes<Flow> {
  /**
   * The flow for a path below the prefix of the sender adapter: `/orders`, not `/http/orders`. Without regard to
   * case; an address without `*` wins over one with it, a longer one over a shorter one.
   * The path comes as received, without query. It is not percent-decoded: an address has only characters that
   * need no encoding, so another spelling is another path. Dot segments and `//` have been refused before.
   */
  find(path: string): Match<Flow> | undefined
}

interface Segment<Flow> {
  readonly below: Map<string, Segment<Flow>>
  /** The flow of the `/*` right below this segment. */
  flow: Flow | undefined
}

/**
 * The routing table. A lookup takes one hash of the path, and where that finds nothing, one more for each of its
 * segments that begins a deployed `/path/*`; it ends at the first that does not, however long the path is.
 */
export function buildRoutes<Flow extends { readonly address: Address }>(flows: Iterable<Flow>): Routes<Flow> {
  const exact = new Map<string, Match<Flow>>()
  const root: Segment<Flow> = { below: new Map(), flow: undefined }
  for (const flow of flows) {
    if (flow.address.prefix) segmentAt(root, flow.address.path).flow = flow
    else exact.set(flow.address.path, Object.freeze({ flow, rest: '' }))
  }
  return { find: path => exact.get(path.toLowerCase()) ?? findPrefix(root, path) }
}

function segmentAt<Flow>(root: Segment<Flow>, path: string): Segment<Flow> {
  let segment = root
  for (const name of path.split('/').slice(1)) {
    let next = segment.below.get(name)
    if (!next) {
      next = { below: new Map(), flow: undefined }
      segment.below.set(name, next)
    }
    segment = next
  }
  return segment
}

function findPrefix<Flow>(root: Segment<Flow>, path: string): Match<Flow> | undefined {
  if (!path.startsWith('/')) return undefined
  let found: Flow | undefined
  let restAt = 0
  let start = 1
  let segment: Segment<Flow> | undefined = root
  while (segment) {
    if (segment.flow !== undefined) {
      found = segment.flow
      restAt = start
    }
    const end = path.indexOf('/', start)
    if (end < 0) break
    segment = segment.below.get(path.slice(start, end).toLowerCase())
    start = end + 1
  }
  return found === undefined ? undefined : { flow: found, rest: path.slice(restAt) }
}
