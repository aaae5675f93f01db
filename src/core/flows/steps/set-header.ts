import { members, text } from '../../schema.ts'
import { wrongHeaderName } from '../headers.ts'
import { withoutHeader } from './remove-header.ts'
import type { Step } from './step.ts'

/** `setHeader: { name: X-Source, value: erp }`: the receiver gets this header, and no other of that name. */
export const setHeader: Step<{ name: string; value: string }> = {
  name: 'setHeader',
  schema: members(
    { name: text('X-Source', wrongHeaderName), value: text('erp', wrongValue) },
    '{ name: X-Source, value: erp }',
  ),
  apply: (exchange, { name, value }) => ({
    ...exchange,
    headers: [...withoutHeader(exchange.headers, name), name, value],
  }),
}

/** A field value (RFC 9110 section 5.5), of ASCII only. */
function wrongValue(value: string): string | undefined {
  return /^[!-~]([ -~]{0,4094}[!-~])?$/.test(value)
    ? undefined
    : 'write 1 to 4096 printable ASCII characters, without white space at either end'
}
