import { formDecode } from '../../parameters.ts'
import { members, text } from '../../schema.ts'
import type { Step } from './step.ts'

/** `setQuery: { name: client, value: '100' }`: the receiver gets this query parameter, and no other of that name. */
export const setQuery: Step<{ name: string; value: string }> = {
  name: 'setQuery',
  schema: members(
    {
      name: text('client', value => (value === '' ? 'write the name of the parameter' : wrongText(value))),
      value: text('erp', wrongText),
    },
    '{ name: client, value: erp }',
  ),
  apply(exchange, { name, value }) {
    const others = exchange.query.split('&').filter(pair => pair !== '' && nameOf(pair) !== name)
    const query = [...others, `${encodeURIComponent(name)}=${encodeURIComponent(value)}`].join('&')
    return { ...exchange, query }
  },
}

/** The caller may have written the name with other escapes; it must not come through twice. */
function nameOf(pair: string): string {
  const equals = pair.indexOf('=')
  const name = equals < 0 ? pair : pair.slice(0, equals)
  return formDecode(name) ?? name
}

function wrongText(value: string): string | undefined {
  return value.length <= 4096 && value.isWellFormed()
    ? undefined
    : 'write at most 4096 characters of well-formed text'
}
