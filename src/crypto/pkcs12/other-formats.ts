import { readBer } from './ber.ts'

const version3 = Buffer.from([0x02, 0x01, 0x03])

/** A PFX begins with its version, which is 3 (RFC 7292 section 4). */
export function looksLikePkcs12(file: Buffer): boolean {
  const [identifier, length = 0] = file
  const start = 2 + (length < 0x80 ? 0 : length & 0x7f)
  return identifier === 0x30 && file.subarray(start, start + 3).equals(version3)
}

const conversion = (type: string): string =>
  `convert it with keytool -importkeystore -srckeystore FILE -srcstoretype ${type} -destkeystore FILE.p12 -deststoretype PKCS12`
const makeOne =
  'make a PKCS#12 file with openssl pkcs12 -export -inkey key.pem -in certificate.pem -out keystore.p12'

/** Some write attributes above the first line of PEM. */
const longestBeginning = 4096

const beginnings: readonly (readonly [RegExp, string])[] = [
  [/^$/, 'the file is empty'],
  [/^\xfe\xed\xfe\xed/, `the file is a Java keystore of the type JKS: ${conversion('JKS')}`],
  [/^\xce\xce\xce\xce/, `the file is a Java keystore of the type JCEKS: ${conversion('JCEKS')}`],
  [/-----BEGIN [A-Z]/, `the file is PEM text: give it as PEM, or ${makeOne}`],
  [
    /^\s*MI[A-Za-z0-9+/]{40}/,
    'the file is base64 text: decode it first, for example with openssl base64 -d -A',
  ],
]

/** By the identifiers of what stands inside the outermost SEQUENCE. */
const shapes: readonly (readonly [RegExp, string])[] = [
  [/^30 30 03$/, `the file is a certificate, a request for one or a revocation list: ${makeOne}`],
  [/^30 04$/, `the file is an encrypted private key alone: ${makeOne}`],
  [/^02 /, `the file is a private key alone, or PKCS#12 of another version than 3: ${makeOne}`],
  [/^06 /, `the file is PKCS#7, which holds certificates and no key: ${makeOne}`],
  [/^30 30$/, `the file is a Bouncy Castle keystore of the type BCFKS: ${conversion('BCFKS')}`],
]

/** What a file that is not PKCS#12 seems to be, and what to do with it. */
export const otherFormat = (file: Buffer): string =>
  knownFormat(file) ?? `the file is not PKCS#12: ${makeOne}`

/** The same, where it is one of those that are known. */
export const knownFormat = (file: Buffer): string | undefined =>
  matching(beginnings, file.toString('latin1', 0, longestBeginning)) ?? matching(shapes, shapeOf(file))

const matching = (table: readonly (readonly [RegExp, string])[], text: string): string | undefined =>
  table.find(([pattern]) => pattern.test(text))?.[1]

function shapeOf(file: Buffer): string {
  try {
    const identifiers = readBer(file)
      .children()
      .map(({ identifier }) => identifier)
    return Buffer.from(identifiers)
      .toString('hex')
      .replace(/..(?=.)/g, '$& ')
  } catch {
    return ''
  }
}
