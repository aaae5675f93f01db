import { DerError, type DerNode, readDer, TAG } from './der.ts'
import { decodePem, PemError } from './pem.ts'

const mostBytes = 16 * 1024
/** Of the text: base64, perhaps twice, and what `openssl req -text` prints above it. */
const mostCharacters = 64 * 1024

const labels: ReadonlySet<string> = new Set(['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'])

const advice = {
  key: 'a private key: give the signing request alone, keep the key to yourself, and replace it if others saw it',
  certificate: 'a certificate: give the signing request, from which a certificate is made',
  publicKey: 'a public key alone: make a signing request with its private key ("openssl req -new -key …")',
  store:
    'a key store (PKCS#12) with a private key: give the signing request alone, and keep the store to yourself',
  pkcs7: 'PKCS#7, which carries certificates: give the signing request, from which a certificate is made',
} as const

/** What people paste instead, by the label of the PEM block. */
const otherLabels: readonly (readonly [RegExp, string])[] = [
  [/PRIVATE KEY/, advice.key],
  [/CERTIFICATE$/, advice.certificate],
  [/PUBLIC KEY$/, advice.publicKey],
  [/^(PKCS7|CMS)$/, advice.pkcs7],
]

/** What people paste instead, by the identifier octets of the members of its DER. */
const otherShapes: readonly (readonly [RegExp, string])[] = [
  [/^02 30 04\b/, advice.key], // PKCS#8
  [/^30 04$/, advice.key], // PKCS#8, encrypted
  [/^02 04\b/, advice.key], // EC, RFC 5915
  [/^02( 02){8}\b/, advice.key], // RSA, RFC 8017
  [/^02 30( 30)?$/, advice.store],
  [/^02 02$/, advice.publicKey],
  [/^30 03$/, advice.publicKey],
  [/^06 a0$/, advice.pkcs7],
]

/**
 * The one signing request that somebody gave, as DER: a DER file, PEM in any form that `decodePem` reads, base64 of
 * either. Throws a DerError with words for the person; it never repeats what was given, which may be a key.
 */
export function readCsrInput(input: string | Uint8Array): DerNode {
  if (input.length > mostCharacters)
    throw new DerError(`a signing request of ${input.length} characters: up to ${mostCharacters} are read`)
  if (typeof input === 'string') return csrOfText(input)
  const bytes = Buffer.from(input)
  return isBinary(bytes) ? csrOfDer(bytes) : csrOfText(bytes.toString('utf8'))
}

/** Every one begins with the octet of a SEQUENCE, which is "0" in ASCII, and holds octets that no text has. */
const isBinary = (bytes: Buffer): boolean =>
  bytes[0] === TAG.sequence && /[^\t\r\n\x20-\x7e]/.test(bytes.toString('latin1'))

function csrOfText(given: string): DerNode {
  const text = given.replace(/^\uFEFF/, '')
  if (text.trim() === '') throw new DerError('no signing request: the text is empty')
  if (isPem(text)) return csrOfPem(text)
  const bytes = decodeBase64(text)
  const inner = bytes.toString('latin1')
  return isPem(inner) ? csrOfPem(inner) : csrOfDer(bytes)
}

const isPem = (text: string): boolean => /(-|%2d){5}(BEGIN|%42%45%47%49%4e)/i.test(text)

function csrOfPem(text: string): DerNode {
  // Even where the text is broken: who pasted a key is to know it.
  if (/PRIVATE( |%20|\+)KEY/.test(text)) throw new DerError(`this is, or holds, ${advice.key}`)
  const blocks = asDerError(() => decodePem(text, { maxLength: mostCharacters }))
  for (const { label } of blocks) {
    if (labels.has(label)) continue
    const found = otherLabels.find(([pattern]) => pattern.test(label))
    throw new DerError(found ? `this is, or holds, ${found[1]}` : 'no signing request, but another PEM block')
  }
  const [block, ...others] = blocks
  if (!block || others.length > 0) throw new DerError(`${blocks.length} signing requests: give one at a time`)
  return csrOfDer(block.der)
}

function csrOfDer(der: Buffer): DerNode {
  if (der.length > mostBytes)
    throw new DerError(`a signing request of ${der.length} bytes: up to ${mostBytes} are read`)
  const node = readDer(der)
  const shape = shapeOf(node)
  const found = otherShapes.find(([pattern]) => pattern.test(shape))
  if (found) throw new DerError(`this is ${found[1]}`)
  // Only a certificate has its version in a tag.
  if (shape === '30 30 03' && shapeOf(node.children()[0]!).startsWith('a0'))
    throw new DerError(`this is ${advice.certificate}`)
  return node
}

const shapeOf = (node: DerNode): string =>
  node
    .children()
    .map(({ identifier }) => identifier.toString(16).padStart(2, '0'))
    .join(' ')

/** Of a text without BEGIN and END; the reader of PEM knows what else happens to line breaks. */
function decodeBase64(text: string): Buffer {
  try {
    const plain = text.includes('%') ? decodeURIComponent(text) : text
    return decodePem(`-----BEGIN X-----\n${plain}\n-----END X-----`)[0]!.der
  } catch {
    throw new DerError(
      'no signing request: neither PEM nor DER nor exact base64 of one of them. Was something cut off?',
    )
  }
}

function asDerError<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof PemError ? new DerError(`broken PEM: ${error.message}`) : error
  }
}
