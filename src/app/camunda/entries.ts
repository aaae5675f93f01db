import { type NamedText, readSettingsFile } from './file.ts'
import { type At, nameMatcher, plainName } from './names.ts'
import { type VariableId, variables } from './variables/index.ts'

export interface Sources {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly file?: NamedText | undefined
  /** Text of a file that holds a secret; throws when it cannot be read. */
  readonly readSecretFile: (path: string) => string
}

/** A name that somebody set. */
export interface Entry {
  readonly key: string
  /** The key, and the file in which it stands. */
  readonly name: string
  readonly value: string
  readonly source: 'env' | 'file'
  /** undefined: it has no effect, or nobody knows it. */
  readonly means: Meaning | undefined
}

export interface Meaning {
  readonly id: VariableId
  readonly at: At
}

const matchers = Object.entries(variables).flatMap(([id, variable]) =>
  variable.names.map(name => ({ id: id as VariableId, match: nameMatcher(name, variable) })),
)

/** The variable that a name means, if it has an effect. */
export function recognize(key: string): Meaning | undefined {
  const plain = plainName(key)
  for (const { id, match } of matchers) {
    const at = match(key, plain)
    if (at) return { id, at }
  }
  return undefined
}

/** Everything that is set to something: the environment first, then the file. Throws ConfigError. */
export function entriesOf({ env, file }: Sources): Entry[] {
  const fromEnv = Object.entries(env).flatMap(([key, value]): Entry[] =>
    value?.trim() ? [{ key, name: key, value, source: 'env', means: recognize(key) }] : [],
  )
  if (!file) return fromEnv
  const profiles = fromEnv
    .filter(entry => entry.means?.id === 'profiles')
    .flatMap(entry => entry.value.split(',').map(one => one.trim()))
  const fromFile = [...readSettingsFile(file, profiles.length > 0 ? profiles : undefined)].flatMap(
    ([key, value]): Entry[] =>
      value.trim() === ''
        ? []
        : [{ key, name: `${key} in ${file.name}`, value, source: 'file', means: recognize(key) }],
  )
  return [...fromEnv, ...fromFile]
}
