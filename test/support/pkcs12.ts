import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  explicit,
  integer,
  nullValue,
  octetString,
  oid,
  readDer,
  readOctetString,
  sequence,
  setOf,
} from '../../src/crypto/der.ts'
import { encodePem } from '../../src/crypto/pem.ts'
import { bmpString } from '../../src/crypto/pkcs12/bmp-string.ts'
import { macOf } from '../../src/crypto/pkcs12/kdf.ts'
import { OID } from '../../src/crypto/pkcs12/oids.ts'
import { chainOf, type KeyKind, keyPair } from './chains.ts'
import { runOpenssl } from './openssl-run.ts'

/** A file of test/fixtures/pkcs12. */
export const pkcs12Fixture = (name: string): Buffer =>
  Buffer.from(
    readFileSync(join(import.meta.dirname, '../fixtures/pkcs12', `${name}.b64`), 'latin1'),
    'base64',
  )

/** A key and its chain, leaf first. */
export function keyWithChain(kind: KeyKind, number = 7) {
  const key = keyPair(kind, number)
  const [root, middle, leaf] = chainOf([{}, {}, { key }])
  return { ...key, chain: [leaf!, middle!, root!] }
}

const pem = (ders: readonly Buffer[]) => ders.map(der => encodePem('CERTIFICATE', der)).join('')

/** What `openssl pkcs12 -export` makes of a key and its chain; few iterations, unless the arguments say otherwise. */
export function opensslPkcs12(
  { privateKey, chain }: Pick<ReturnType<typeof keyWithChain>, 'privateKey' | 'chain'>,
  args: readonly string[] = [],
  password = 'secret',
): Buffer {
  const { status, words, out } = runOpenssl(
    [
      ...['pkcs12', '-export', '-inkey', 'key.pem', '-in', 'chain.pem', '-out', 'out', '-iter', '3'],
      ...(password === '' ? ['-passout', 'pass:'] : ['-passout', 'file:password.txt']),
      ...args,
    ],
    {
      'key.pem': privateKey.export({ type: 'pkcs8', format: 'pem' }),
      'chain.pem': pem(chain),
      'password.txt': password,
    },
  )
  if (status !== 0) throw new Error(words)
  return out
}

// PKCS#12 by hand: everything that one can say can be said wrongly.

export const contentInfo = (type: string, content: Uint8Array): Buffer =>
  sequence([oid(type), explicit(0, content)])

/** ContentInfo with these bags as they are, and no encryption. */
export const clearBags = (bags: readonly Buffer[]): Buffer =>
  contentInfo(OID.data, octetString(sequence(bags)))

export const safeBag = (type: string, value: Uint8Array, attributes: readonly Buffer[] = []): Buffer =>
  sequence([oid(type), explicit(0, value), ...(attributes.length > 0 ? [setOf(attributes)] : [])])

export const attribute = (type: string, ...values: Buffer[]): Buffer => sequence([oid(type), setOf(values)])

export const friendlyName = (name: string): Buffer => attribute(OID.friendlyName, bmpString(name))

export const localKeyId = (id: string): Buffer => attribute(OID.localKeyId, octetString(Buffer.from(id)))

export const certificateBag = (der: Uint8Array, ...attributes: Buffer[]): Buffer =>
  safeBag(OID.certBag, sequence([oid(OID.x509Certificate), explicit(0, octetString(der))]), attributes)

export const keyBag = (pkcs8: Uint8Array, ...attributes: Buffer[]): Buffer =>
  safeBag(OID.keyBag, pkcs8, attributes)

/** A MAC with SHA-256 and one iteration; without a passphrase, that of none at all. */
export function macData(content: Uint8Array, passphrase: string | undefined): Buffer {
  const salt = Buffer.from('salt')
  const mac = macOf(content, { passphrase, salt, iterations: 1, digest: 'sha256' })
  return sequence([sequence([sequence([oid(OID.sha256), nullValue()]), octetString(mac)]), octetString(salt)])
}

/** A file of this AuthenticatedSafe. */
export const pfx = (content: Uint8Array, mac: Buffer = macData(content, 'secret')): Buffer =>
  sequence([integer(3), contentInfo(OID.data, octetString(content)), mac])

/** A file of bags that are not encrypted. */
export const pfxOfBags = (...bags: Buffer[]): Buffer => pfx(sequence([clearBags(bags)]))

/** The AuthenticatedSafe of a file in DER, and its MacData where it has one. */
export function partsOf(file: Buffer) {
  const [, authSafe, mac] = readDer(file, { maxBytes: file.length }).children()
  const [, tagged] = authSafe!.children()
  return { content: readOctetString(tagged!.children()[0]!), mac: mac?.raw }
}
