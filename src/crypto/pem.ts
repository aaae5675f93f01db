/** One PEM block (RFC 7468). */
export interface PemBlock {
  readonly label: string
  readonly der: Buffer
}

export interface PemLimits {
  /** Longest input, in characters (or bytes); default 256 KiB. */
  readonly maxLength?: number
  /** Most blocks in one input; default 32. */
  readonly maxBlocks?: number
}

/** Says what is wrong with a pasted certificate or PEM text; never repeats its content, which may be a key. */
export class PemError extends Error {
  override readonly name = 'PemError'
}

const boundary = /-----(BEGIN|END) ([A-Z0-9][A-Z0-9 .#/_]{0,63})-----/g
const looksLikePem = /-----BEGIN[ +%]/

/** PEM text of RFC 7468: 64 columns and a final newline, so that files may be concatenated. */
export function encodePem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

/**
 * All PEM blocks of a text, in order; text around them is ignored. Read as well: literal `\n`, CRLF, line breaks
 * lost or turned into spaces, no final newline, URL-encoded text. Throws a PemError when there is no block,
 * a block does not close, or its base64 is not exact.
 */
export function decodePem(
  text: string,
  { maxLength = 256 * 1024, maxBlocks = 32 }: PemLimits = {},
): PemBlock[] {
  checkLength(text.length, maxLength)
  const plain = unescapeText(text)
  const blocks: PemBlock[] = []
  let open: { label: string; start: number } | undefined
  for (const mark of plain.matchAll(boundary)) {
    const [whole, side, label = ''] = mark
    if (side === 'BEGIN') {
      if (open) throw new PemError(`the block ${open.label} has no END line before the next BEGIN`)
      if (blocks.length === maxBlocks) throw new PemError(`more than ${maxBlocks} PEM blocks`)
      open = { label, start: mark.index + whole.length }
    } else {
      if (open?.label !== label) throw new PemError(`"END ${label}" without "BEGIN ${label}"`)
      blocks.push({ label, der: blockContent(label, plain.slice(open.start, mark.index)) })
      open = undefined
    }
  }
  if (open) throw new PemError(`the block ${open.label} has no END line: was the end cut off?`)
  if (blocks.length === 0) throw new PemError('no PEM block: a line "-----BEGIN …-----" is missing')
  return blocks
}

function blockContent(label: string, body: string): Buffer {
  if (body.includes('Proc-Type:'))
    throw new PemError(`the block ${label} is encrypted: remove the passphrase first`)
  return decodeBase64(body, `the block ${label}`)
}

/** Standard base64 with padding and no stray bit; white space is allowed, nothing else. */
function decodeBase64(text: string, what: string): Buffer {
  const body = text.replace(/[ \t\r\n]/g, '')
  if (body === '') throw new PemError(`${what} is empty`)
  const stray = body.search(/[^A-Za-z0-9+/=]/)
  if (stray !== -1) throw new PemError(`${what} holds a character that is not base64, at position ${stray}`)
  const bytes = Buffer.from(body, 'base64')
  if (bytes.toString('base64') !== body)
    throw new PemError(`${what} is not exact base64: was something cut off?`)
  return bytes
}

function checkLength(length: number, maxLength: number): void {
  if (length > maxLength) throw new PemError(`${length} characters, more than the ${maxLength} allowed`)
}

/** Undoes what JSON editors, environment variables and proxies do to the line breaks of a PEM text. */
function unescapeText(text: string): string {
  return percentDecoded(text).replace(/\\r\\n|\\n|\\r/g, '\n')
}

function percentDecoded(text: string): string {
  const encoded = /-----BEGIN(%20|\+)/.test(text) || (!looksLikePem.test(text) && text.includes('%'))
  if (!encoded) return text
  try {
    // A form-encoder writes "+" for a space and never for itself; a plain URL-encoder leaves no bare "+" in base64.
    return decodeURIComponent(/-----BEGIN\+/.test(text) ? text.replaceAll('+', ' ') : text)
  } catch {
    throw new PemError('URL-encoded text with a broken "%" sequence')
  }
}

const certificateLabels: ReadonlySet<string> = new Set(['CERTIFICATE', 'X509 CERTIFICATE'])

/** What people paste instead of a certificate, and what to tell them. */
const otherLabels: readonly { readonly label: RegExp; readonly advice: string }[] = [
  {
    label: /PRIVATE KEY$/,
    advice: 'holds a private key: give the certificate alone, and keep the key to yourself',
  },
  {
    label: /CERTIFICATE REQUEST$/,
    advice: 'holds a signing request: give the certificate that was issued for it',
  },
  { label: /^(PKCS7|CMS)$/, advice: 'holds PKCS#7: convert it with "openssl pkcs7 -print_certs"' },
  {
    label: /^TRUSTED CERTIFICATE$/,
    advice: 'holds an OpenSSL trusted certificate: convert it with "openssl x509"',
  },
]

/**
 * The certificates somebody gave, as DER, in order: a DER file, PEM in any form that `decodePem` reads, base64 of
 * either (URL-encoded or not). That each one is a certificate is for `parseCertificate` to say. Throws a PemError.
 */
export function readCertificateInput(input: string | Uint8Array, limits: PemLimits = {}): Buffer[] {
  checkLength(input.length, limits.maxLength ?? 256 * 1024)
  if (typeof input !== 'string') {
    const bytes = Buffer.from(input)
    return isSequence(bytes) ? [bytes] : certificatesOfText(bytes.toString('utf8'), limits)
  }
  return certificatesOfText(input, limits)
}

function certificatesOfText(text: string, limits: PemLimits): Buffer[] {
  const plain = unescapeText(text.replace(/^\uFEFF/, ''))
  if (looksLikePem.test(plain)) return certificatesOfPem(plain, limits)
  const bytes = decodeBase64(plain, 'the certificate')
  if (isSequence(bytes)) return [bytes]
  const inner = bytes.toString('latin1')
  if (looksLikePem.test(inner)) return certificatesOfPem(inner, limits)
  throw new PemError('neither PEM nor DER nor base64 of one of them')
}

function certificatesOfPem(text: string, limits: PemLimits): Buffer[] {
  return decodePem(text, limits).map(({ label, der }) => {
    if (certificateLabels.has(label)) return der
    const advice =
      otherLabels.find(row => row.label.test(label))?.advice ?? `holds ${label}, not a certificate`
    throw new PemError(`the text ${advice}`)
  })
}

/** Every certificate begins with the octet of a SEQUENCE, which is "0" in ASCII: no PEM, and in base64 no DER. */
const isSequence = (bytes: Buffer): boolean => bytes[0] === 0x30 && bytes[1]! >= 0x80
