import type { KeyObject } from 'node:crypto'
import type { Certificate } from '../../src/crypto/certificate.ts'
import { parseCrl, type VerifiedCrl, verifyCrl } from '../../src/crypto/crl/index.ts'
import { bitString, explicit, integer, oid, sequence, time } from '../../src/crypto/der.ts'
import { authorityKeyIdentifier } from '../../src/crypto/extensions/authority-key-identifier.ts'
import { encodeExtension } from '../../src/crypto/extensions/extension.ts'
import { keyIdOf, keyPair, named, now, type SigningName, signings } from './chains.ts'

/** Revocation lists as nobody should issue them. */

/** By what is not as it should be. */
export interface ListSpec {
  version?: Buffer[]
  issuer?: Buffer
  thisUpdate?: Buffer
  nextUpdate?: Buffer[]
  /** Complete entries; `entry` writes good ones. */
  entries?: readonly Buffer[] | undefined
  /** In addition to authorityKeyIdentifier and cRLNumber, or by name what replaces or removes them. */
  extensions?: Record<string, Buffer | undefined>
  noExtensions?: boolean
  signing?: SigningName
  innerSigning?: SigningName
  key?: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
  spoilt?: boolean
}

export const hour = 3_600_000
export const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  encodeExtension(id, critical, value)

export const entry = (serial: number | bigint, ...extensions: Buffer[]): Buffer =>
  sequence([integer(serial), time(now - hour), ...(extensions.length > 0 ? [sequence(extensions)] : [])])

/** DER of a list by the root of `chainOf`. */
export function listOf(spec: ListSpec): Buffer {
  const { signing = 'ECDSA SHA-256', innerSigning = signing, key = keyPair('P-256') } = spec
  const extensions = Object.values({
    aki: authorityKeyIdentifier.build({ keyId: keyIdOf(key) }),
    number: extension('2.5.29.20', false, integer(1)),
    ...spec.extensions,
  }).filter(one => one !== undefined)
  const tbs = sequence([
    ...(spec.version ?? [integer(1)]),
    signings[innerSigning].algorithm,
    spec.issuer ?? named('root'),
    spec.thisUpdate ?? time(now - hour),
    ...(spec.nextUpdate ?? [time(now + hour)]),
    ...(spec.entries ? [sequence(spec.entries)] : []),
    ...(spec.noExtensions ? [] : [explicit(0, sequence(extensions))]),
  ])
  const signature = signings[signing].sign(tbs, key.privateKey)
  if (spec.spoilt) signature[signature.length - 1]! ^= 1
  return sequence([tbs, signings[signing].algorithm, bitString(signature)])
}

/** Read and verified; throws when it is not to be. */
export function verifiedList(der: Buffer, issuer: Certificate): VerifiedCrl {
  const result = verifyCrl(parseCrl(der), issuer)
  if (!result.ok) throw new Error(result.why)
  return result.crl
}

export const reasonCode = (value: Buffer): Buffer => extension('2.5.29.21', false, value)
export const unknownExtension = (critical: boolean): Buffer =>
  sequence([oid('1.2.3.4'), ...(critical ? [Buffer.from([1, 1, 0xff])] : []), Buffer.from([4, 2, 5, 0])])
