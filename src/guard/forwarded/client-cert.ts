import { type ForwardedForm, readBase64, Unreadable } from './form.ts'

/**
 * `Client-Cert` and `Client-Cert-Chain` (RFC 9440 sections 2.2 and 2.3): `:base64:`, a Byte Sequence of RFC 8941
 * section 3.3.5, and a list of such, in one header or several. Parameters are not foreseen there and not accepted.
 */
export const clientCert: ForwardedForm = {
  name: ':base64: of RFC 9440',
  recognises: value => value.startsWith(':'),
  read: value => ({ leaf: readByteSequence(value), chain: [] }),
  readChain: values => values.flatMap(value => value.split(/[ \t]*,[ \t]*/).map(readByteSequence)),
}

function readByteSequence(text: string): Buffer {
  const content = /^:([^:]*):$/.exec(text)?.[1]
  if (content === undefined) throw new Unreadable('is not one base64 text between colons')
  return readBase64(content)
}
