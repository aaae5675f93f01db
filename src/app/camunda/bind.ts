import { ConfigError } from '../config.ts'
import type { Entry, Meaning, Sources } from './entries.ts'
import { nameMatcher, plainName } from './names.ts'
import { NotSet, resolvePlaceholders } from './placeholders.ts'
import type { Given } from './values.ts'
import { type VariableId, variables } from './variables/index.ts'

/** Which of several variables of the same kind: of the `n`th of a list, or of a role. */
export interface Place {
  readonly n?: number
  readonly role?: string
}

/** The settings by their meaning. What is asked for throws ConfigError where it cannot be used. */
export interface Bound {
  /** undefined: not set. */
  get<T>(id: VariableId, parse: (given: Given) => T, place?: Place): T | undefined
  /** Elements that are separated by commas, or have names of their own; undefined: not set. */
  list(id: VariableId, place?: Place): readonly Given[] | undefined
  /** A name under which it was given, to say what is wrong with it. */
  nameOf(id: VariableId, place?: Place): string
  /** It was given under its described name, the first of the table. */
  isDescribed(id: VariableId): boolean
  /** How many there are in the list whose elements these describe, from 0. */
  count(ids: readonly VariableId[]): number
  /** Roles for which one of these is set, as they were written. */
  roles(ids: readonly VariableId[]): readonly string[]
}

type Found = Entry & Meaning

/** The environment wins over the file; of a list, as a whole (as with Spring). */
export function bind(entries: readonly Entry[], { readSecretFile }: Pick<Sources, 'readSecretFile'>): Bound {
  const all = entries.flatMap((entry): Found[] => (entry.means ? [{ ...entry, ...entry.means }] : []))
  const listsOfEnv = new Set(
    all.filter(one => one.source === 'env' && one.at.n !== undefined).map(one => listName(one.id)),
  )
  const found = all.filter(
    one => one.source === 'env' || one.at.n === undefined || !listsOfEnv.has(listName(one.id)),
  )

  const lookUp = (name: string) =>
    entries.find(entry => entry.key === name)?.value ??
    entries.find(entry => plainName(entry.key).text === plainName(name).text)?.value

  const given = (one: Found): Given => {
    const secret = variables[one.id].secret
    try {
      const resolved = resolvePlaceholders(one.value, lookUp)
      const value = secret && !one.at.file ? resolved : resolved.trim()
      return { name: one.name, value: one.at.file ? secretOf(one, value, readSecretFile) : value }
    } catch (error) {
      if (!(error instanceof NotSet)) throw error
      const what = secret && !one.at.file ? 'a variable' : `\${${error.message}}`
      throw new ConfigError(
        `${one.name} refers to ${what} that is not set: set it, or write \${NAME:default}`,
      )
    }
  }

  const candidates = (id: VariableId, { n, role }: Place = {}): Found[] => {
    const same = found.filter(
      one =>
        one.id === id && one.at.n === n && plainName(one.at.role ?? '').text === plainName(role ?? '').text,
    )
    const fromEnv = same.filter(one => one.source === 'env')
    return fromEnv.length > 0 ? fromEnv : same
  }

  return {
    get: (id, parse, place) => {
      const values = candidates(id, place).map(given).filter(isSet)
      return agreed(values.map(one => ({ name: one.name, value: parse(one) })))?.value
    },
    list: (id, place) => {
      const [inParts, whole] = partition(candidates(id, place), one => one.at.element !== undefined)
      const spellings = Map.groupBy(inParts, one => listOf(one.key))
      const lists = [
        ...whole.map(one => ({ name: one.name, value: split(given(one)) })),
        ...[...spellings.values()].map(ones => ({ name: ones[0]!.name, value: inOrder(ones, given) })),
      ]
      const list = agreed(lists, elements => elements.map(one => one.value))?.value
      return list?.length ? list : undefined
    },
    nameOf: (id, place) => candidates(id, place)[0]?.name ?? inPlace(variables[id].names[0], place),
    isDescribed: id => {
      const described = nameMatcher(variables[id].names[0], variables[id])
      return candidates(id).some(one => described(one.key) !== undefined)
    },
    count: ids => {
      const ones = found.filter(one => ids.includes(one.id))
      const numbers = new Set(ones.map(one => one.at.n!))
      for (const one of ones)
        for (let n = 0; n < one.at.n!; n++)
          if (!numbers.has(n))
            throw new ConfigError(`${one.name} is set, but nothing with ${n}: count from 0`)
      return numbers.size
    },
    roles: ids => [
      ...new Map(
        found
          .filter(one => ids.includes(one.id))
          .map(one => [plainName(one.at.role!).text, one.at.role!] as const),
      ).values(),
    ],
  }
}

/** Synonyms and spellings that are set in one place must say the same. */
function agreed<T>(
  values: readonly { readonly name: string; readonly value: T }[],
  compared: (value: T) => unknown = value => value,
): { readonly value: T } | undefined {
  const [first, ...rest] = values
  for (const other of rest)
    if (JSON.stringify(compared(other.value)) !== JSON.stringify(compared(first!.value)))
      throw new ConfigError(
        `${first!.name} and ${other.name} contradict each other: they mean the same, leave one out`,
      )
  return first
}

const isSet = ({ value }: Given) => value !== ''

/** The list that a variable describes an element of. */
const listName = (id: VariableId) => variables[id].names[0].split('<n>')[0]!

/** The name of a list, of that of one of its elements. */
const listOf = (key: string) => plainName(key).text.replace(/#\d+$/, '')

function partition<T>(all: readonly T[], test: (one: T) => boolean): [T[], T[]] {
  return [all.filter(test), all.filter(one => !test(one))]
}

const split = ({ name, value }: Given): Given[] =>
  value
    .split(',')
    .map(one => ({ name, value: one.trim() }))
    .filter(one => one.value !== '')

function inOrder(ones: readonly Found[], given: (one: Found) => Given): Given[] {
  const elements = [...Map.groupBy(ones, one => one.at.element!)].sort(([a], [b]) => a - b)
  return elements
    .map(([element, same], i) => {
      if (element !== i)
        throw new ConfigError(`${same[0]!.name} is set, but no element ${i} of the same list: count from 0`)
      const value = agreed(same.map(given), one => one)!.value
      return { name: same[0]!.name, value }
    })
    .filter(isSet)
}

function secretOf(one: Found, file: string, read: (path: string) => string): string {
  try {
    return read(file).replace(/\r?\n$/, '')
  } catch (error) {
    throw new ConfigError(`${one.name} names a file that cannot be read: ${(error as Error).message}`)
  }
}

const inPlace = (name: string, { n, role }: Place = {}) =>
  name.replace('<n>', String(n)).replace('<role>', (role ?? '').toUpperCase())
