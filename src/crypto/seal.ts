import { createCipheriv, createDecipheriv } from 'node:crypto'

/**
 * Authenticated encryption for what is kept at rest: AES-256-GCM, random 96-bit nonce, the context (what it is
 * and whose) as associated data, so that a sealed value moved to another row does not open.
 * Layout: nonce (12) || ciphertext || tag (16).
 */
export function seal(key: Buffer, context: string, plain: Buffer, nonce: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
  cipher.setAAD(Buffer.from(context, 'utf8'))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** Opens what `seal` made; undefined when key, context or bytes are not the same. */
export function open(key: Buffer, context: string, sealed: Buffer): Buffer | undefined {
  if (sealed.length < 28) return undefined
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 })
  decipher.setAAD(Buffer.from(context, 'utf8'))
  decipher.setAuthTag(sealed.subarray(sealed.length - 16))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(12, sealed.length - 16)), decipher.final()])
  } catch {
    return undefined
  }
}
