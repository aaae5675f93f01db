import { parseAllDocuments } from 'yaml'
import { ConfigError } from '../config.ts'
import { plainName } from './names.ts'
import { readProperties } from './properties.ts'

export interface NamedText {
  readonly name: string
  readonly text: string
}

type Document = readonly (readonly [name: string, value: string])[]

/**
 * Names and values of a file that ends in `.properties`, `.yaml` or `.yml`; those of its later documents win, those of
 * documents for a profile that is not active are left out. Without `profiles` the file says itself which are active.
 * Every value is a text. Throws ConfigError.
 */
export function readSettingsFile(
  { name, text }: NamedText,
  profiles: readonly string[] | undefined,
): Map<string, string> {
  const values = new Map<string, string>()
  const documents = documentsOf(name, text)
  const active = profiles ?? profilesOf(documents)
  for (const document of documents) {
    const profile = document.find(([key]) => plainName(key).text === onProfile)?.[1]
    if (profile !== undefined && !isActive(profile, active, name)) continue
    // A later document replaces a list as a whole.
    const lists = new Set(document.map(([key]) => listOf(key)).filter(list => list !== undefined))
    for (const key of [...values.keys()]) {
      const list = listOf(key)
      if (list !== undefined && lists.has(list)) values.delete(key)
    }
    for (const [key, value] of document) if (plainName(key).text !== onProfile) values.set(key, value)
  }
  return values
}

const onProfile = plainName('spring.config.activate.on-profile').text

const profilesOf = (documents: readonly Document[]): string[] =>
  documents
    .filter(document => document.every(([key]) => plainName(key).text !== onProfile))
    .flat()
    .filter(([key]) => /^springprofilesactive(#\d+)?$/.test(plainName(key).text))
    .flatMap(([, value]) => value.split(',').map(one => one.trim()))

/** The list that a name is in an element of. */
const listOf = (key: string) => /^[^#]+(?=#)/.exec(plainName(key).text)?.[0]

function isActive(condition: string, profiles: readonly string[], file: string): boolean {
  const names = condition.split(',').map(name => name.trim())
  const strange = names.find(name => !/^!?[\w.-]+$/.test(name))
  if (strange !== undefined)
    throw new ConfigError(
      `spring.config.activate.on-profile in ${file} must be names of profiles with commas between them, not ${condition}`,
    )
  return names.some(name =>
    name.startsWith('!') ? !profiles.includes(name.slice(1)) : profiles.includes(name),
  )
}

function documentsOf(name: string, text: string): Document[] {
  if (/\.properties$/i.test(name)) return readProperties(text)
  if (/\.ya?ml$/i.test(name)) return readYaml(name, text)
  throw new ConfigError(`${name} must end in .properties, .yaml or .yml: its name says how it is read`)
}

function readYaml(file: string, text: string): Document[] {
  // Without types a password such as 0123 stays what it is.
  const documents = parseAllDocuments(text, { schema: 'failsafe', merge: true })
  return [...documents].map(document => {
    const error = document.errors[0]
    // The message of the parser quotes the line, which may hold a secret.
    if (error)
      throw new ConfigError(`${file} is not YAML: line ${error.linePos?.[0].line ?? '?'} (${error.code})`)
    const entries: [string, string][] = []
    collect(plain(document, file), '', entries, file)
    return entries
  })
}

/** Aliases are followed here: one may lead nowhere, or many to very much. */
function plain(document: { toJS(): unknown }, file: string): unknown {
  try {
    return document.toJS()
  } catch {
    throw new ConfigError(`${file} is not YAML: an alias in it cannot be followed`)
  }
}

function collect(node: unknown, path: string, into: [string, string][], file: string): void {
  if (node === null || node === undefined) return
  if (path === '' && (Array.isArray(node) || (typeof node === 'string' && node !== '')))
    throw new ConfigError(`${file} must be a mapping, such as \`server.port: 8080\``)
  if (typeof node === 'string') {
    if (path !== '') into.push([path, node])
  } else if (Array.isArray(node)) node.forEach((one, i) => void collect(one, `${path}[${i}]`, into, file))
  else
    for (const [key, value] of Object.entries(node)) {
      const inner = key.startsWith('[') || path === '' ? `${path}${key}` : `${path}.${key}`
      collect(value, inner, into, file)
    }
}
