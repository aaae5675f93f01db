import { pbkdf2Sync } from 'node:crypto'
import { type Algorithm, parseAlgorithm } from '../algorithm-identifier.ts'
import { fieldsOf, readDer, readOctetString, readSmallInteger, TAG } from '../der.ts'
import { Pkcs12Error } from './error.ts'
import { type Digest, digestLength } from './kdf.ts'
import { algorithmName, OID } from './oids.ts'
import { type Password, readIterations, type Work } from './work.ts'

/** The pseudorandom functions of RFC 8018 appendix B.1.2, which are the MACs of appendix B.3 too. */
const hmacs: ReadonlyMap<string, Digest> = new Map([
  [OID.hmacWithSHA1, 'sha1'],
  [OID.hmacWithSHA224, 'sha224'],
  [OID.hmacWithSHA256, 'sha256'],
  [OID.hmacWithSHA384, 'sha384'],
  [OID.hmacWithSHA512, 'sha512'],
  [OID.hmacWithSHA512x224, 'sha512-224'],
  [OID.hmacWithSHA512x256, 'sha512-256'],
])

export function hmacDigest({ oid }: Algorithm): Digest {
  const digest = hmacs.get(oid)
  if (digest === undefined)
    throw new Pkcs12Error('unsupported', `the file needs ${algorithmName(oid)}, which is not supported`)
  return digest
}

export interface Pbkdf2 {
  /** In octets, where the parameters say it. */
  readonly keyLength: number | undefined
  /** A password counts as UTF-8, and none as an empty one. */
  derive(password: Password, length: number): Buffer
}

const longestKey = 1024

/** Reads PBKDF2 with its parameters (RFC 8018 appendix A.2). */
export function readPbkdf2({ oid, parameters }: Algorithm, work: Work): Pbkdf2 {
  if (oid !== OID.pbkdf2 || !parameters)
    throw new Pkcs12Error('unsupported', `the file needs ${algorithmName(oid)} in place of PBKDF2`)
  const fields = fieldsOf(readDer(parameters), 'PBKDF2-params')
  const salt = readOctetString(fields.required('salt'))
  const iterations = readIterations(fields.required('iterationCount'))
  const keyLength = fields.optional(TAG.integer)
  const prf = fields.optional(TAG.sequence)
  fields.end()
  const digest = prf ? hmacDigest(parseAlgorithm(prf)) : 'sha1'
  return {
    keyLength: keyLength && readSmallInteger(keyLength, longestKey),
    derive(password = '', length) {
      work.spend(iterations * Math.ceil(length / digestLength(digest)))
      return pbkdf2Sync(Buffer.from(password, 'utf8'), salt, iterations, length, digest)
    },
  }
}
