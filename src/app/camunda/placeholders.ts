/**
 * Replaces `${NAME}` and `${NAME:default}`, also inside defaults; `\${` stands for itself. Throws NotSet where a name has
 * neither value nor default, or is made of itself.
 */
export function resolvePlaceholders(
  text: string,
  lookUp: (name: string) => string | undefined,
  within: readonly string[] = [],
): string {
  let out = ''
  let at = 0
  for (;;) {
    const start = text.indexOf('${', at)
    const end = start < 0 ? -1 : endOf(text, start + 2)
    if (end < 0) return out + text.slice(at)
    if (text[start - 1] === '\\') {
      out += `${text.slice(at, start - 1)}\${`
      at = start + 2
      continue
    }
    out += text.slice(at, start)
    const inside = text.slice(start + 2, end)
    const colon = inside.indexOf(':')
    const name = (colon < 0 ? inside : inside.slice(0, colon)).trim()
    const value = within.includes(name) ? undefined : lookUp(name)
    if (value !== undefined) out += resolvePlaceholders(value, lookUp, [...within, name])
    else if (colon >= 0) out += resolvePlaceholders(inside.slice(colon + 1), lookUp, within)
    else throw new NotSet(name)
    at = end + 1
  }
}

/** The message is the name. */
export class NotSet extends Error {
  override name = 'NotSet'
}

/** Where the brace that was opened before `from` is closed; -1: nowhere. */
function endOf(text: string, from: number): number {
  let depth = 1
  for (let i = from; i < text.length; i++) {
    if (text.startsWith('${', i)) depth++
    else if (text[i] === '}' && --depth === 0) return i
  }
  return -1
}
