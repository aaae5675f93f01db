export interface Plain {
  readonly text: string
  /** Where each of its characters stands in the name. */
  readonly places: readonly number[]
}

/**
 * The form in which names are compared, after Spring's relaxed binding: case, dots, dashes and underscores do not
 * count, a number between them does.
 */
export function plainName(name: string): Plain {
  let text = ''
  const places: number[] = []
  for (const { 0: word, index } of name.matchAll(/[^._\-[\]]+/g)) {
    if (/^\d+$/.test(word)) {
      text += '#'
      places.push(index)
    }
    text += word.toLowerCase()
    for (let i = 0; i < word.length; i++) places.push(index + i)
  }
  return { text, places }
}

/** What a name says besides which variable it means. */
export interface At {
  /** The number for `<n>`. */
  readonly n?: number
  /** The name for `<role>`, as it was written. */
  readonly role?: string
  /** Which element of a list. */
  readonly element?: number
  /** It names a file that holds the value. */
  readonly file?: true
}

/**
 * Recognizes a variable by a name such as `CAMUNDA_SECURITY_INITIALIZATION_USERS_<n>_NAME`: `<n>` stands for a number,
 * `<role>` for any name, `*` at the end for any rest. The elements of a list may have names of their own (`X_0`, `x[0]`), and
 * a secret may be in a file that `..._FILE` names.
 */
export function nameMatcher(
  template: string,
  { list = false, secret = false }: { readonly list?: boolean; readonly secret?: boolean } = {},
): (name: string, plain?: Plain) => At | undefined {
  const words = template.match(/<n>|<role>|\*|[^_*]+/g) ?? []
  const source = words.map(word => parts[word] ?? word.toLowerCase()).join('')
  const pattern = new RegExp(
    `^${source}${list ? '(?:#(?<element>\\d+))?' : ''}${secret ? '(?<file>file)?' : ''}$`,
    'd',
  )
  return (name, plain = plainName(name)) => {
    const match = pattern.exec(plain.text)
    if (!match) return undefined
    const { n, element, file } = match.groups ?? {}
    const role = match.indices?.groups?.role
    return {
      ...(n !== undefined && { n: Number(n) }),
      ...(element !== undefined && { element: Number(element) }),
      ...(role && { role: name.slice(plain.places[role[0]]!, plain.places[role[1] - 1]! + 1) }),
      ...(file !== undefined && { file: true as const }),
    }
  }
}

const parts: Readonly<Record<string, string>> = {
  '<n>': '#(?<n>\\d+)',
  '<role>': '(?<role>.+?)',
  '*': '.*',
}
