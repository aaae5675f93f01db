// Just enough of a reader of TypeScript to see what a file imports and which words it uses.

/** One import, re-export, dynamic import or import type. */
export type Import = {
  /** Undefined where the target is computed and cannot be read. */
  readonly specifier: string | undefined
  /** Names as the other module exports them; `*` for all of it. */
  readonly names: readonly string[]
}

const blank = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y
const word = /[\p{ID_Continue}$#@]+/uy
const quoted = /'(?:\\[\s\S]|[^'\\])*'|"(?:\\[\s\S]|[^"\\])*"/y
const regularExpression = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y
const templateText = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*/y

const endsValue = /^(?:[\p{ID_Continue}$#@]+|['"`)\]}].*)$/u
const expectsValue = new Set(
  'return typeof instanceof in of new delete void throw case do else await yield'.split(' '),
)

/**
 * Words, string literals (with their quotes) and punctuation characters, in order. Comments, regular
 * expressions and the text of templates are left out; the code inside a template is not.
 */
export const tokens = (source: string): string[] => {
  const found: string[] = []
  const open: ('{' | '`')[] = []
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const text = pattern.exec(source)?.[0]
    at += text?.length ?? 0
    return text
  }
  const skipTemplateText = (): void => {
    take(templateText)
    if (source.startsWith('${', at)) open.push('`')
    at += source.startsWith('${', at) ? 2 : 1
    found.push('`')
  }
  while (at < source.length) {
    if (take(blank) !== undefined) continue
    const previous = found.at(-1) ?? ''
    const afterValue = endsValue.test(previous) && !expectsValue.has(previous)
    if (source[at] === '/' && !afterValue && take(regularExpression) !== undefined) {
      found.push('`')
      continue
    }
    const text = take(word) ?? take(quoted) ?? source[at++] ?? ''
    if (text === '`') skipTemplateText()
    else if (text === '}' && open.pop() === '`') skipTemplateText()
    else found.push(text)
    if (text === '{') open.push('{')
  }
  return found
}

const isString = (token: string | undefined): token is string => /^['"]/.test(token ?? '')
const content = (token: string): string => token.slice(1, -1)

/** The names in `A, { b, type c as d }` or `* as e`, as the other module calls them. */
const importedNames = (clause: readonly string[]): string[] => {
  const text = clause
    .filter((token, index) => token !== 'type' || /^[,}]$/.test(clause[index + 1] ?? ','))
    .join(' ')
  const braces = /\{(.*)\}/.exec(text)?.[1] ?? ''
  const beside = text.replace(/\{.*\}/, '')
  const names = braces.split(',').map(name => name.trim().split(' ')[0] ?? '')
  const others = beside.split(',').map(name => (name.includes('*') ? '*' : name.trim() && 'default'))
  return [...others, ...names].filter(name => name !== '')
}

/** Everything a file (given as tokens) imports or re-exports, types included. */
export const importsOf = (code: readonly string[]): Import[] =>
  code.flatMap((token, index): Import[] => {
    const next = code[index + 1] ?? ''
    if (code[index - 1] === '.') return []
    if (token === 'require' && next === '(') return [{ specifier: readable(code, index), names: ['*'] }]
    if (token === 'import' && next === '(') return [{ specifier: readable(code, index), names: ['*'] }]
    if (token === 'import' && isString(next)) return [{ specifier: content(next), names: [] }]
    if (
      !(token === 'import' && /^[\w$*{]/.test(next)) &&
      !(token === 'export' && /^(?:[*{]|type)$/.test(next))
    ) {
      return []
    }
    // The first string after the word is the target if "from" stands before it; a declaration such as
    // `export type A = 'b'` or `export { a }` has something else there.
    const end = code.findIndex((other, place) => place > index && isString(other))
    const clause = code.slice(index + 1, end - 1)
    if (
      end < 0 ||
      code[end - 1] !== 'from' ||
      !/^(?:type )?(?:[\w$]+ ?,? ?)?(?:\{[^{}]*\}|\* ?(?:as [\w$]+)?)?$/.test(clause.join(' '))
    ) {
      return []
    }
    return [{ specifier: content(code[end] ?? ''), names: importedNames(clause) }]
  })

const readable = (code: readonly string[], index: number): string | undefined => {
  const target = code[index + 2]
  return isString(target) && /^[,)]$/.test(code[index + 3] ?? '') ? content(target) : undefined
}

/** True if the words and signs of `phrase` (separated by spaces) stand next to each other in the code. */
export const says = (code: readonly string[], phrase: string): boolean => {
  const parts = phrase.split(' ')
  return code.some((_, index) => parts.every((part, offset) => code[index + offset] === part))
}
