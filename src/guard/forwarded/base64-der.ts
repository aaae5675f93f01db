import { type ForwardedForm, readBase64, Unreadable } from './form.ts'

/**
 * Base64 of the DER on one line: HAProxy `%[ssl_c_der,base64]`, its chain `%[ssl_c_chain_der,base64]` (the others, one
 * behind the other), and Cloud Foundry, which writes the body of the PEM into `X-Forwarded-Client-Cert`.
 */
export const base64Der: ForwardedForm = {
  name: 'base64 of the DER',
  // Every certificate is a SEQUENCE of more than 127 bytes, which begins with MI.
  recognises: value => /^MI[A-Za-z0-9+/]*={0,2}$/.test(value),
  read: value => ({ leaf: readBase64(value), chain: [] }),
  readChain: values => {
    const [value = '', ...others] = values
    if (others.length > 0) throw new Unreadable(`is there ${values.length} times`)
    return sequences(readBase64(value))
  },
}

/** Cuts bytes into DER SEQUENCEs by their outer lengths alone (ITU-T X.690 section 8.1.3). */
function sequences(bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const [tag, length = 0] = bytes.subarray(at, at + 2)
    const octets = length & 0x7f
    const start = at + 2 + octets
    if (tag !== 0x30 || length < 0x81 || octets > 3 || start > bytes.length)
      throw new Unreadable('is not made of certificates in DER')
    const end = start + bytes.readUIntBE(at + 2, octets)
    if (end > bytes.length) throw new Unreadable('is cut off')
    found.push(bytes.subarray(at, end))
    at = end
  }
  return found
}
