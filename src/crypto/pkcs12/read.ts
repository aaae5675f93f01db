import { DerError, type DerNode, fieldsOf, TAG } from '../der.ts'
import type { CertificateBag, KeyBag } from './bags.ts'
import { readBer } from './ber.ts'
import { matchEntries, type Pkcs12Entry } from './entries.ts'
import { Pkcs12Error } from './error.ts'
import { readMac } from './mac.ts'
import { looksLikePkcs12, otherFormat } from './other-formats.ts'
import { type KeyPasswords, openPrivateKey } from './private-key.ts'
import { openSafe, opensAny, readAuthSafe, readSafes, type Safe } from './safe.ts'
import { limitedWork, type Password, type Work } from './work.ts'

export interface Pkcs12Passwords {
  readonly store: string
  /** Where private keys have another one than the store, as Java allows. */
  readonly key?: string
}

export interface Pkcs12Contents {
  /** In the order of the file. */
  readonly entries: readonly Pkcs12Entry[]
  /** All certificates, in the order of the file: what a store without private keys is read for. */
  readonly certificates: readonly {
    readonly alias: string | undefined
    readonly der: Buffer
    /** Marked by Java as one to trust, as keytool -importcert does. */
    readonly trusted: boolean
  }[]
  /** Without one, anybody could have changed the file. */
  readonly hasMac: boolean
}

const mostBytes = 1024 * 1024
const mostBags = 256

/**
 * Reads a PKCS#12 file (RFC 7292) as OpenSSL, Java, Windows and browsers write it, with RC2 and 3DES as they did long
 * ago, too. Without a MAC anybody could have changed it: such a file is refused unless `allowNoMac` is set.
 * Synchronous, and slow on purpose, within limits. Throws a Pkcs12Error for whatever is wrong; nothing is read in part.
 */
export function readPkcs12(
  file: Buffer,
  passwords: Pkcs12Passwords,
  { allowNoMac = false }: { readonly allowNoMac?: boolean } = {},
): Pkcs12Contents {
  if (file.length > mostBytes)
    throw new Pkcs12Error('limit', `the file has ${file.length} bytes, more than the ${mostBytes} allowed`)
  if (!looksLikePkcs12(file)) throw new Pkcs12Error('not-pkcs12', otherFormat(file))
  checkPasswords(passwords)
  try {
    return readPfx(file, passwords, allowNoMac)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    throw new Pkcs12Error(
      'damaged',
      `the file is damaged, or not written as PKCS#12 wants it: ${error.message}; export it again`,
    )
  }
}

function checkPasswords({ store, key }: Pkcs12Passwords): void {
  if (!store.isWellFormed()) throw new Pkcs12Error('password', 'the password is no valid text')
  if (key?.isWellFormed() === false)
    throw new Pkcs12Error('key-password', 'the key password is no valid text')
}

/** An empty password is derived from as the empty text by some, and as no password at all by others. */
const waysOf = (password: string): readonly Password[] => (password === '' ? ['', undefined] : [password])

function readPfx(file: Buffer, passwords: Pkcs12Passwords, allowNoMac: boolean): Pkcs12Contents {
  const work = limitedWork()
  const pfx = fieldsOf(readBer(file), 'PFX')
  pfx.required('version', TAG.integer)
  const content = readAuthSafe(pfx.required('authSafe'))
  const mac = pfx.optional(TAG.sequence)
  pfx.end()
  if (!mac && !allowNoMac)
    throw new Pkcs12Error(
      'no-mac',
      'the file has no MAC, so anybody could have changed it: write it again with one (openssl pkcs12 -export without -nomac)',
    )
  const safes = readSafes(content)
  const ways = waysOf(passwords.store)
  const store = mac ? [passwordOfMac(mac, { content, safes, ways }, work)] : ways
  const bags = safes.flatMap(safe => openSafe(safe, store, work) ?? throwClosed(mac !== undefined))
  if (bags.length > mostBags)
    throw new Pkcs12Error(
      'limit',
      `the file holds ${bags.length} keys and certificates, more than the ${mostBags} allowed`,
    )
  const certificates = bags.filter((bag): bag is CertificateBag => bag.kind === 'certificate')
  const forKeys = passwordsOfKeys(passwords.key, store, mac !== undefined)
  const keys = bags
    .filter((bag): bag is KeyBag => bag.kind === 'key')
    .map(bag => ({
      alias: bag.alias,
      localKeyId: bag.localKeyId,
      privateKey: openPrivateKey(bag, forKeys, work),
    }))
  return {
    entries: matchEntries(keys, certificates),
    certificates: certificates.map(({ alias, der, trusted }) => ({ alias, der, trusted })),
    hasMac: mac !== undefined,
  }
}

function passwordsOfKeys(
  key: string | undefined,
  store: readonly Password[],
  storeIsRight: boolean,
): KeyPasswords {
  if (key !== undefined)
    return {
      passwords: [...waysOf(key), ...store],
      advice: 'neither the key password nor the store password is its own',
    }
  const advice = storeIsRight
    ? 'it has another password than the store, so give the key password too'
    : 'the store password is wrong, or the key has one of its own: then give the key password too'
  return { passwords: store, advice }
}

interface Signed {
  readonly content: Buffer
  readonly safes: readonly Safe[]
  readonly ways: readonly Password[]
}

/** The way to take the password with which the MAC is right (RFC 7292 section 5.2). */
function passwordOfMac(node: DerNode, { content, safes, ways }: Signed, work: Work): Password {
  const isOf = readMac(node, work)
  for (const way of ways) if (isOf(content, way)) return way
  throw isRight(ways, safes, work)
    ? new Pkcs12Error(
        'damaged',
        'the password is right, but the content is not what was written (its MAC differs): the file is damaged or was changed, or its MAC is of another password; export it again',
      )
    : new Pkcs12Error('password', 'the password is not that of the file (or the file is damaged)')
}

function isRight(ways: readonly Password[], safes: readonly Safe[], work: Work): boolean {
  try {
    return opensAny(safes, ways, work)
  } catch (error) {
    if (error instanceof Pkcs12Error || error instanceof DerError) return false
    throw error
  }
}

function throwClosed(macIsRight: boolean): never {
  throw new Pkcs12Error(
    'password',
    macIsRight
      ? 'the password is that of the MAC, but does not open the content: the file was written with two passwords (openssl pkcs12 -twopass); write it again with one'
      : 'the password does not open the file',
  )
}
