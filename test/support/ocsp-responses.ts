import {
  bitString,
  enumerated,
  explicit,
  generalizedTime,
  implicit,
  nullValue,
  octetString,
  oid,
  sequence,
} from '../../src/crypto/der.ts'
import { encodeExtension } from '../../src/crypto/extensions/extension.ts'
import { encodeCertId } from '../../src/crypto/ocsp/cert-id.ts'
import { chainOf, keyIdOf, keyPair, now, parsed, type SigningName, signings } from './chains.ts'

/** OCSP answers as nobody should give them. */

export const root = parsed(chainOf([{}]))[0]!
export const leaf = parsed(chainOf([{}, {}]))[1]!
export const certId = encodeCertId('sha1', leaf, root)

export const status = {
  good: implicit(0, nullValue()),
  unknown: implicit(2, nullValue()),
  revoked: (...reason: Buffer[]): Buffer =>
    implicit(1, sequence([generalizedTime(now - 60_000), ...reason.map(one => explicit(0, one))])),
}

export interface SingleSpec {
  certId?: Buffer
  status?: Buffer
  thisUpdate?: Buffer
  nextUpdate?: Buffer | undefined
  extensions?: readonly Buffer[]
  behind?: readonly Buffer[]
}

export const single = (spec: SingleSpec = {}): Buffer => {
  const next = 'nextUpdate' in spec ? spec.nextUpdate : explicit(0, generalizedTime(now + 60_000))
  return sequence([
    spec.certId ?? certId,
    spec.status ?? status.good,
    spec.thisUpdate ?? generalizedTime(now - 60_000),
    ...(next ? [next] : []),
    ...(spec.extensions ? [explicit(1, sequence(spec.extensions))] : []),
    ...(spec.behind ?? []),
  ])
}

/** An answer by the root of `chainOf`, by what is not as it should be. */
export interface ResponseSpec {
  responseStatus?: Buffer
  responseType?: string
  version?: readonly Buffer[]
  responderId?: Buffer
  producedAt?: Buffer
  responses?: readonly Buffer[]
  extensions?: readonly Buffer[]
  certificates?: readonly Buffer[]
  key?: ReturnType<typeof keyPair>
  signing?: SigningName
  spoilt?: boolean
}

export function responseOf(spec: ResponseSpec = {}): Buffer {
  const { key = keyPair('P-256'), signing = 'ECDSA SHA-256' } = spec
  const tbs = sequence([
    ...(spec.version ?? []),
    spec.responderId ?? explicit(2, octetString(keyIdOf(key))),
    spec.producedAt ?? generalizedTime(now),
    sequence(spec.responses ?? [single()]),
    ...(spec.extensions ? [explicit(1, sequence(spec.extensions))] : []),
  ])
  const signature = signings[signing].sign(tbs, key.privateKey)
  if (spec.spoilt) signature[signature.length - 1]! ^= 1
  const basic = sequence([
    tbs,
    signings[signing].algorithm,
    bitString(signature),
    ...(spec.certificates ? [explicit(0, sequence(spec.certificates))] : []),
  ])
  return sequence([
    spec.responseStatus ?? enumerated(0),
    explicit(0, sequence([oid(spec.responseType ?? '1.3.6.1.5.5.7.48.1.1'), octetString(basic)])),
  ])
}

/** The extension, its content as it is given. */
export const nonce = (value: Buffer): Buffer => encodeExtension('1.3.6.1.5.5.7.48.1.2', false, value)
