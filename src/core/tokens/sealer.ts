import { hkdfSync } from 'node:crypto'
import { decodeBase64url } from '../../crypto/base64url.ts'
import { open, seal } from '../../crypto/seal.ts'
import { BoundedCache } from '../cache.ts'
import type { Context } from '../context.ts'

/**
 * Opaque tokens are sealed handles: only the token server opens them, and issuing one writes nothing.
 * Layout, after the prefix, in canonical base64url: key id (8) | epoch salt (16) | nonce (12) | ciphertext | tag.
 * The key of an epoch is HKDF(tenant key, salt), so that counted nonces never meet again: a new salt each time
 * the process starts, and every 2^30 tokens.
 */
export interface Sealer {
  seal(associated: string, content: Buffer): string
  open(associated: string, handle: Handle): Buffer | undefined
}

export interface Handle {
  readonly keyId: string
  readonly salt: Buffer
  readonly sealed: Buffer
}

export const handlePrefix = 'cst_'
const keyIdBytes = 8
const saltBytes = 16

/** Takes a handle apart; undefined when the text is none. */
export function readHandle(text: string): Handle | undefined {
  if (!text.startsWith(handlePrefix) || text.length > 4096) return undefined
  const bytes = decodeBase64url(text.slice(handlePrefix.length))
  if (!bytes || bytes.length < keyIdBytes + saltBytes + 28) return undefined
  return {
    keyId: bytes.toString('base64url', 0, keyIdBytes),
    salt: bytes.subarray(keyIdBytes, keyIdBytes + saltBytes),
    sealed: bytes.subarray(keyIdBytes + saltBytes),
  }
}

/** `keyId` is 8 bytes in base64url, `tenantKey` 32 bytes; an epoch ends after `mostTokens`, at most 2^32. */
export function createSealer(
  keyId: string,
  tenantKey: Buffer,
  context: Pick<Context, 'random'>,
  mostTokens = 2 ** 30,
): Sealer {
  const keyIdRaw = Buffer.from(keyId, 'base64url')
  if (keyIdRaw.length !== keyIdBytes) throw new RangeError('a token key id has 8 bytes')
  const derived = new BoundedCache<Buffer>(256)
  let epoch: { salt: Buffer; key: Buffer; issued: number } | undefined

  return {
    seal(associated, content) {
      if (!epoch || epoch.issued >= mostTokens) {
        const salt = context.random(saltBytes)
        epoch = { salt, key: derive(tenantKey, salt), issued: 0 }
        derived.set(salt.toString('latin1'), epoch.key)
      }
      const nonce = Buffer.alloc(12)
      nonce.writeUInt32BE(epoch.issued++, 8)
      const sealed = seal(epoch.key, associated, content, nonce)
      return handlePrefix + Buffer.concat([keyIdRaw, epoch.salt, sealed]).toString('base64url')
    },
    open(associated, handle) {
      const known = derived.get(handle.salt.toString('latin1'))
      const key = known ?? derive(tenantKey, handle.salt)
      const content = open(key, associated, handle.sealed)
      // Only a salt that has proven itself is worth remembering.
      if (content && !known) derived.set(handle.salt.toString('latin1'), key)
      return content
    },
  }
}

function derive(tenantKey: Buffer, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', tenantKey, salt, 'countersign opaque token', 32))
}
