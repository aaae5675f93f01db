import { formDecode } from '../parameters.ts'

/** A client id and a secret as they were presented. */
export interface IdAndSecret {
  readonly clientId: string
  readonly secret: string
}

const form = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i
const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads `Authorization: Basic` (RFC 7617), form-urldecoding id and secret after base64 as RFC 6749 section 2.3.1
 * asks. Returns a short reason when it is malformed. Ids and secrets that we make hold nothing that the decoding
 * could change, so clients that forget to encode work too.
 */
export function readBasic(header: string): IdAndSecret | string {
  const plain = readPlainBasic(header)
  if (typeof plain === 'string') return plain
  const clientId = formDecode(plain.clientId)
  const secret = formDecode(plain.secret)
  if (clientId === undefined || secret === undefined) return 'broken percent encoding'
  if (hasControlCharacter(clientId) || hasControlCharacter(secret)) return 'control character'
  return { clientId, secret }
}

/** The same without form-urldecoding: as RFC 7617 alone has it. */
export function readPlainBasic(header: string): IdAndSecret | string {
  const encoded = form.exec(header)?.[1]
  if (!encoded || encoded.length > 4096) return 'not base64'
  let text: string
  try {
    text = utf8.decode(Buffer.from(encoded, 'base64'))
  } catch {
    return 'not UTF-8'
  }
  const colon = text.indexOf(':')
  if (colon < 0) return 'no colon between id and secret'
  if (hasControlCharacter(text)) return 'control character'
  return { clientId: text.slice(0, colon), secret: text.slice(colon + 1) }
}

export function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || code === 0x7f) return true
  }
  return false
}
