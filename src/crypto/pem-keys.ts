import { createPrivateKey, type KeyObject } from 'node:crypto'
import { parseAlgorithm } from './algorithm-identifier.ts'
import { fieldsOf, readDer, readOctetString } from './der.ts'
import { decodePem, type PemBlock, PemError, type PemLimits } from './pem.ts'
import type { Encrypted } from './pkcs12/bags.ts'
import { openPrivateKey } from './pkcs12/private-key.ts'
import { limitedWork, type Work } from './pkcs12/work.ts'

/** A PEM text with private keys in it: those, and every other block. */
export interface PemWithKeys {
  readonly keys: readonly KeyObject[]
  readonly others: readonly PemBlock[]
}

type Passphrase = string | undefined

/** Key blocks by label. */
const keyBlocks: ReadonlyMap<string, (der: Buffer, passphrase: Passphrase, work: Work) => KeyObject> =
  new Map([
    ['PRIVATE KEY', (der, _, work) => openPkcs8(der, undefined, work)],
    [
      'ENCRYPTED PRIVATE KEY',
      (der, passphrase, work) => openPkcs8(readEncrypted(der), needed(passphrase), work),
    ],
    ['RSA PRIVATE KEY', der => importKey({ key: der, format: 'der', type: 'pkcs1' })],
    ['EC PRIVATE KEY', der => importKey({ key: der, format: 'der', type: 'sec1' })],
  ])

/** As OpenSSL wrote encrypted keys before version 3: the encryption is stated in the text (RFC 1421), not in the DER. */
const encryptedText =
  /-----BEGIN (RSA|EC) PRIVATE KEY-----\s+Proc-Type: 4,ENCRYPTED\s+DEK-Info:[^-]+(?:-[^-]+)*-----END \1 PRIVATE KEY-----/g

/** What `openssl ecparam -genkey` writes beside a key; the key names its curve itself. */
const besideKeys = 'EC PARAMETERS'

/**
 * Reads a PEM text that holds private keys, encrypted or not, as `decodePem` reads it. Throws a PemError, a
 * Pkcs12Error or a DerError that repeats nothing of it: also where the passphrase is missing or does not open a key.
 */
export function decodePemWithKeys(text: string, passphrase: Passphrase, limits: PemLimits = {}): PemWithKeys {
  const work = limitedWork()
  const old = [...text.matchAll(encryptedText)].map(([block]) => openText(block, needed(passphrase)))
  const rest = text.replace(encryptedText, '')
  const blocks = old.length > 0 && !rest.includes('-----BEGIN') ? [] : decodePem(rest, limits)
  const keys = blocks.flatMap(({ label, der }) => keyBlocks.get(label)?.(der, passphrase, work) ?? [])
  const others = blocks.filter(({ label }) => !keyBlocks.has(label) && label !== besideKeys)
  return { keys: [...old, ...keys], others }
}

const needed = (passphrase: Passphrase): string => {
  if (passphrase === undefined) throw new PemError('the private key is encrypted: give its passphrase')
  return passphrase
}

/** EncryptedPrivateKeyInfo (RFC 5958 section 3). */
function readEncrypted(der: Buffer): Encrypted {
  const fields = fieldsOf(readDer(der), 'EncryptedPrivateKeyInfo')
  const algorithm = parseAlgorithm(fields.required('encryptionAlgorithm'))
  const content = readOctetString(fields.required('encryptedData'))
  fields.end()
  return { algorithm, content }
}

const openPkcs8 = (key: Buffer | Encrypted, passphrase: Passphrase, work: Work): KeyObject =>
  openPrivateKey(
    { kind: 'key', alias: undefined, localKeyId: undefined, key },
    { passwords: [passphrase], advice: 'the passphrase is another one' },
    work,
  )

function openText(key: string, passphrase: string): KeyObject {
  try {
    return createPrivateKey({ key, format: 'pem', passphrase })
  } catch {
    throw new PemError('the private key cannot be opened: the passphrase is another one')
  }
}

function importKey(input: { key: Buffer; format: 'der'; type: 'pkcs1' | 'sec1' }): KeyObject {
  try {
    return createPrivateKey(input)
  } catch {
    // What OpenSSL says is left out: it is of no help, and it is about a key.
    throw new PemError('the private key is not one that can be read: was something cut off?')
  }
}
