import { generateKeyPair as generate, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'

const generateKeyPair = promisify(generate)

/** The keys that an authority certifies for senders, by length in bits: RSA, and the curves P-256 and P-384. */
export const keyLengths = [2048, 3072, 4096, 256, 384] as const
export type KeyLength = (typeof keyLengths)[number]

const curves: Partial<Record<KeyLength, string>> = { 256: 'prime256v1', 384: 'secp384r1' }

/** A new private key, made on the thread pool: RSA takes from tenths of a second to seconds. */
export async function newPrivateKey(length: KeyLength): Promise<KeyObject> {
  const namedCurve = curves[length]
  const pair = namedCurve
    ? await generateKeyPair('ec', { namedCurve })
    : await generateKeyPair('rsa', { modulusLength: length })
  return pair.privateKey
}

/** PEM of a private key (PKCS#8), with a final newline. */
export const privateKeyPem = (key: KeyObject): string =>
  key.export({ format: 'pem', type: 'pkcs8' }) as string
