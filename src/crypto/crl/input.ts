import { decodePem, PemError, type PemLimits } from '../pem.ts'

/** As PEM, a list of 16 MiB. */
const longest = 24 * 1024 * 1024

/** `CRL` is what some libraries write. */
const crlLabels: ReadonlySet<string> = new Set(['X509 CRL', 'CRL'])

/** What people configure instead of a revocation list, and what to tell them. */
const otherLabels: readonly { readonly label: RegExp; readonly advice: string }[] = [
  {
    label: /PRIVATE KEY$/,
    advice: 'holds a private key: give the revocation list, and keep the key to yourself',
  },
  {
    label: /CERTIFICATE$/,
    advice: 'holds a certificate: give the revocation list of the authority that issued it',
  },
  { label: /^(PKCS7|CMS)$/, advice: 'holds PKCS#7: take the revocation list out of it first' },
]

/**
 * The revocation lists that a file or an answer holds, as DER, in order: one in DER, or any number in PEM. That each
 * one is a list is for `parseCrl` to say. Limits as in `decodePem`, but 24 MiB where no length is given. Throws a
 * PemError that says what is there instead.
 */
export function readCrlInput(input: string | Uint8Array, limits: PemLimits = {}): Buffer[] {
  const { maxLength = longest } = limits
  if (input.length === 0) throw new PemError('the revocation list is empty')
  if (input.length > maxLength)
    throw new PemError(`a revocation list of ${input.length} bytes, more than the ${maxLength} allowed`)
  if (typeof input !== 'string' && input[0] === 0x30 && input[1]! >= 0x80) return [Buffer.from(input)]
  const text = typeof input === 'string' ? input : Buffer.from(input).toString('latin1')
  if (/^(?:\uFEFF|\xEF\xBB\xBF)?\s*</.test(text))
    throw new PemError(
      'this is HTML or XML, not a revocation list: is it the address of the list, or of a page about it?',
    )
  if (!/-----BEGIN[ +%]/.test(text)) throw new PemError('neither a revocation list in PEM nor one in DER')
  return decodePem(text, { ...limits, maxLength }).map(({ label, der }) => {
    if (crlLabels.has(label)) return der
    const advice =
      otherLabels.find(row => row.label.test(label))?.advice ?? `holds ${label}, not a revocation list`
    throw new PemError(`the text ${advice}`)
  })
}
