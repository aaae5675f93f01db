import { createDecipheriv, createHmac } from 'node:crypto'

/**
 * What a server said in a TLS handshake and node:tls does not tell: the certificates exactly as they were sent, and
 * whether it asked for one of the client, of whom.
 */
export interface ServerHandshake {
  /** DER, as they were sent: the server's own first. */
  readonly certificates: readonly Buffer[]
  /** undefined: it asked for no client certificate. */
  readonly certificateRequest: { readonly authorities: readonly Buffer[] } | undefined
}

/** Content types and handshake types (RFC 8446 sections 5.1 and 4; RFC 5246 section 7.4). */
const content = { handshake: 22, applicationData: 23 }
const message = { serverHello: 2, certificate: 11, certificateRequest: 13, finished: 20 }
const tls13 = 0x0304
const supportedVersions = 43
const certificateAuthorities = 47
const tagBytes = 16

interface CipherSuite {
  readonly cipher: 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305'
  readonly hash: 'sha256' | 'sha384'
  readonly keyBytes: number
}

/** RFC 8446 appendix B.4, by their numbers. */
const suites = new Map<number, CipherSuite>([
  [0x1301, { cipher: 'aes-128-gcm', hash: 'sha256', keyBytes: 16 }],
  [0x1302, { cipher: 'aes-256-gcm', hash: 'sha384', keyBytes: 32 }],
  [0x1303, { cipher: 'chacha20-poly1305', hash: 'sha256', keyBytes: 32 }],
])

/**
 * Reads the server's side of a handshake out of the octets that came in. In TLS 1.3 they are encrypted: `keyLog` are
 * the lines that node:tls tells (`keylog`), which hold the secret. Returns what could be read; a handshake that broke
 * off, or that is none, leaves out what did not come.
 */
export function readServerHandshake(received: Buffer, keyLog: readonly string[]): ServerHandshake {
  const found: { certificates: Buffer[]; certificateRequest: ServerHandshake['certificateRequest'] } = {
    certificates: [],
    certificateRequest: undefined,
  }
  try {
    for (const { type, body, isTls13 } of messagesOf(received, keyLog)) {
      if (type === message.certificate) found.certificates = certificatesOf(body, isTls13)
      if (type === message.certificateRequest)
        found.certificateRequest = { authorities: authoritiesOf(body, isTls13) }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    // The other side may send what it likes: what was read before it stays.
  }
  return found
}

interface Message {
  readonly type: number
  readonly body: Buffer
  readonly isTls13: boolean
}

/** Handshake messages until the server has finished, taken out of their records. */
function* messagesOf(received: Buffer, keyLog: readonly string[]): Generator<Message> {
  let pending = Buffer.alloc(0)
  let decrypt: ((record: Buffer) => Buffer | undefined) | undefined
  for (const record of recordsOf(received)) {
    const type = record[0]
    const plain =
      type === content.handshake
        ? record.subarray(5)
        : type === content.applicationData
          ? decrypt?.(record)
          : undefined
    if (!plain) continue
    pending = Buffer.concat([pending, plain])
    while (pending.length >= 4 && pending.length >= 4 + pending.readUIntBE(1, 3)) {
      const end = 4 + pending.readUIntBE(1, 3)
      const [type, body] = [pending[0]!, pending.subarray(4, end)]
      pending = pending.subarray(end)
      if (type === message.serverHello) decrypt = decryption(body, keyLog) ?? decrypt
      if (type === message.finished) return
      yield { type, body, isTls13: decrypt !== undefined }
    }
  }
}

function* recordsOf(received: Buffer): Generator<Buffer> {
  let at = 0
  while (at + 5 <= received.length) {
    const end = at + 5 + received.readUInt16BE(at + 3)
    if (end > received.length) return
    yield received.subarray(at, end)
    at = end
  }
}

/** How records after this ServerHello are opened; undefined where they are not encrypted, or nobody told the secret. */
function decryption(
  hello: Buffer,
  keyLog: readonly string[],
): ((record: Buffer) => Buffer | undefined) | undefined {
  const hidden = /^SERVER_HANDSHAKE_TRAFFIC_SECRET [0-9a-f]+ ([0-9a-f]+)\s*$/i
  const secret = keyLog.map(line => hidden.exec(line)?.[1]).find(found => found !== undefined)
  const sessionIdBytes = hello[34]!
  const suite = suites.get(hello.readUInt16BE(35 + sessionIdBytes))
  const extensions = extensionsOf(hello.subarray(38 + sessionIdBytes))
  if (!secret || !suite || extensions.get(supportedVersions)?.readUInt16BE() !== tls13) return undefined
  const { cipher, hash, keyBytes } = suite
  const key = expandLabel(hash, Buffer.from(secret, 'hex'), 'key', keyBytes)
  const iv = expandLabel(hash, Buffer.from(secret, 'hex'), 'iv', 12)
  let sequence = 0n

  return record => {
    // Shorter than its own tag: what comes after it cannot be told either.
    if (record.length < 5 + tagBytes) throw new RangeError('a record is too short')
    const nonce = Buffer.from(iv)
    nonce.writeBigUInt64BE(nonce.readBigUInt64BE(4) ^ sequence++, 4)
    const opener = createDecipheriv(cipher as 'aes-128-gcm', key, nonce, { authTagLength: tagBytes })
    opener.setAAD(record.subarray(0, 5))
    opener.setAuthTag(record.subarray(-tagBytes))
    const padded = opener.update(record.subarray(5, -tagBytes))
    try {
      opener.final()
    } catch {
      // Under the next key already: the handshake is over.
      return undefined
    }
    let end = padded.length
    while (end > 0 && padded[end - 1] === 0) end--
    return padded[end - 1] === content.handshake ? padded.subarray(0, end - 1) : undefined
  }
}

/** HKDF-Expand-Label without a context (RFC 8446 section 7.1), for no more than one block. */
function expandLabel(hash: CipherSuite['hash'], secret: Buffer, name: string, length: number): Buffer {
  const label = Buffer.from(`tls13 ${name}`)
  const info = Buffer.concat([Buffer.from([0, length, label.length]), label, Buffer.from([0, 1])])
  return createHmac(hash, secret).update(info).digest().subarray(0, length)
}

function extensionsOf(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>()
  if (bytes.length < 2) return found
  let rest = vector(bytes, 2).value
  while (rest.length > 0) {
    const { value, after } = vector(rest.subarray(2), 2)
    found.set(rest.readUInt16BE(), value)
    rest = after
  }
  return found
}

/** RFC 8446 section 4.4.2, RFC 5246 section 7.4.2. */
function certificatesOf(body: Buffer, isTls13: boolean): Buffer[] {
  const list = isTls13 ? vector(body, 1).after : body
  const found: Buffer[] = []
  let rest = vector(list, 3).value
  while (rest.length > 0) {
    const { value, after } = vector(rest, 3)
    found.push(value)
    rest = isTls13 ? vector(after, 2).after : after
  }
  return found
}

/** RFC 8446 sections 4.3.2 and 4.2.4, RFC 5246 section 7.4.4: DER of names. */
function authoritiesOf(body: Buffer, isTls13: boolean): Buffer[] {
  const named = isTls13
    ? extensionsOf(vector(body, 1).after).get(certificateAuthorities)
    : vector(vector(body, 1).after, 2).after
  const found: Buffer[] = []
  let rest = named === undefined ? Buffer.alloc(0) : vector(named, 2).value
  while (rest.length > 0) {
    const { value, after } = vector(rest, 2)
    found.push(value)
    rest = after
  }
  return found
}

/** A value whose length stands before it. Throws RangeError where it is not there. */
function vector(bytes: Buffer, lengthBytes: number): { value: Buffer; after: Buffer } {
  const end = lengthBytes + bytes.readUIntBE(0, lengthBytes)
  if (end > bytes.length) throw new RangeError('a length reaches beyond the message')
  return { value: bytes.subarray(lengthBytes, end), after: bytes.subarray(end) }
}
