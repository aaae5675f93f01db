import { decodePem, PemError } from '../../crypto/pem.ts'
import { type ForwardedForm, Unreadable } from './form.ts'

/**
 * URL-encoded PEM of one certificate: nginx `$ssl_client_escaped_cert`, and load balancers that leave `+`, `/` and `=`
 * as they are.
 */
export const escapedPem: ForwardedForm = {
  name: 'URL-encoded PEM',
  recognises: value => value.startsWith('-----BEGIN'),
  read: value => {
    const [leaf, ...others] = readEscapedPem(value)
    if (others.length > 0)
      throw new Unreadable('holds several certificates, and does not say which is the client')
    return { leaf, chain: [] }
  },
}

const pemOfCertificates =
  /^(?:-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/=]{1,76}\n)+-----END CERTIFICATE-----(?:\n|$))+$/

/** The certificates of a URL-encoded PEM text that holds nothing else, in its order. Throws Unreadable. */
export function readEscapedPem(text: string): [Buffer, ...Buffer[]] {
  const plain = percentDecoded(text)
  if (!pemOfCertificates.test(plain))
    throw new Unreadable('is not PEM of certificates with its line breaks as %0A, and nothing around it')
  try {
    return decodePem(plain).map(block => block.der) as [Buffer, ...Buffer[]]
  } catch (error) {
    if (error instanceof PemError) throw new Unreadable(`is broken PEM: ${error.message}`)
    throw error
  }
}

/** A `+` stays one: it is a digit of base64 here, and whoever writes it for a space is refused for the first line. */
function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Unreadable('has a broken "%" sequence')
  }
}
