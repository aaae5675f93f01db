/** More of a list, or of a text, does not go into one line of the log. */
const mostEntries = 50
const mostCharacters = 500

/** New values as an audit line holds them: whole, but for lists and texts without end. */
export function shortened(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, shorten(value)]))
}

function shorten(value: unknown): unknown {
  if (typeof value === 'string' && value.length > mostCharacters)
    return `${value.slice(0, mostCharacters)} and ${value.length - mostCharacters} characters more`
  if (!Array.isArray(value)) return value
  const shown = value.slice(0, mostEntries).map(shorten)
  return value.length > mostEntries ? [...shown, `and ${value.length - mostEntries} more`] : shown
}

/** An address without what may be a secret in it: user, password, query and fragment. */
export function addressOnly(address: string): string {
  const url = URL.parse(address)
  if (!url) return '(no address)'
  url.username = ''
  url.password = ''
  url.search = ''
  url.hash = ''
  return url.href
}
