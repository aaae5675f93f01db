import { text } from '../../schema.ts'
import type { Step } from './step.ts'

/** `removeHeader: X-Source`: the receiver does not get this header. */
export const removeHeader: Step<string> = {
  name: 'removeHeader',
  schema: text('X-Source', name =>
    /^[!#$%&'+.^_`|~0-9A-Za-z-]{1,200}$/.test(name)
      ? undefined
      : 'is no header name, write one such as X-Source',
  ),
  apply: (exchange, name) => ({ ...exchange, headers: withoutHeader(exchange.headers, name) }),
}

/** The headers but those of one name. */
export function withoutHeader(headers: readonly string[], name: string): string[] {
  const lower = name.toLowerCase()
  return headers.filter((_, at) => headers[at - (at % 2)]!.toLowerCase() !== lower)
}
