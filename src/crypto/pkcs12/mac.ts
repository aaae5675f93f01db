import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Algorithm, parseAlgorithm } from '../algorithm-identifier.ts'
import { DerError, type DerNode, fieldsOf, readDer, readOctetString, TAG } from '../der.ts'
import { Pkcs12Error } from './error.ts'
import { type Digest, macOf } from './kdf.ts'
import { algorithmName, OID } from './oids.ts'
import { hmacDigest, readPbkdf2 } from './pbkdf2.ts'
import { type Password, readIterations, roundCost, type Work } from './work.ts'

const digests: ReadonlyMap<string, Digest> = new Map([
  [OID.sha1, 'sha1'],
  [OID.sha224, 'sha224'],
  [OID.sha256, 'sha256'],
  [OID.sha384, 'sha384'],
  [OID.sha512, 'sha512'],
  [OID.sha512x224, 'sha512-224'],
  [OID.sha512x256, 'sha512-256'],
])

type MacOf = (content: Buffer, password: Password) => Buffer

/** MacData (RFC 7292 section 4): the function that tells whether the MAC of the content is of that password. */
export function readMac(node: DerNode, work: Work): (content: Buffer, password: Password) => boolean {
  const fields = fieldsOf(node, 'MacData')
  const info = fieldsOf(fields.required('mac'), 'DigestInfo')
  const algorithm = parseAlgorithm(info.required('digestAlgorithm'))
  const expected = readOctetString(info.required('digest'))
  info.end()
  const salt = readOctetString(fields.required('macSalt'))
  const stated = fields.optional(TAG.integer)
  fields.end()
  // Salt and iterations count for nothing in PBMAC1, which has its own.
  const compute =
    algorithm.oid === OID.pbmac1
      ? readPbmac1(algorithm, work)
      : readPkcs12Mac(algorithm, { salt, iterations: stated ? readIterations(stated) : 1 }, work)
  return (content, password) => {
    const computed = compute(content, password)
    if (computed.length !== expected.length)
      throw new DerError(`MAC of ${expected.length} octets, not ${computed.length}`, node.offset)
    return timingSafeEqual(computed, expected)
  }
}

function readPkcs12Mac(
  { oid }: Algorithm,
  derivation: { readonly salt: Buffer; readonly iterations: number },
  work: Work,
): MacOf {
  const digest = digests.get(oid)
  if (!digest)
    throw new Pkcs12Error(
      'unsupported',
      `the MAC of the file is of ${algorithmName(oid)}, which is not supported: write it again, for example with openssl pkcs12 -export -macalg sha256`,
    )
  return (content, passphrase) => {
    work.spend(roundCost * derivation.iterations)
    return macOf(content, { ...derivation, passphrase, digest })
  }
}

/** A shorter key could be guessed without the password. */
const leastKeyLength = 20

/** PBMAC1 (RFC 9579, RFC 8018 appendix A.5). */
function readPbmac1({ parameters }: Algorithm, work: Work): MacOf {
  const fields = fieldsOf(readDer(parameters ?? Buffer.alloc(0)), 'PBMAC1-params')
  const derivation = readPbkdf2(parseAlgorithm(fields.required('keyDerivationFunc')), work)
  const digest = hmacDigest(parseAlgorithm(fields.required('messageAuthScheme')))
  fields.end()
  const { keyLength } = derivation
  if (keyLength === undefined || keyLength < leastKeyLength)
    throw new DerError(
      `PBMAC1 with ${keyLength === undefined ? 'no key length' : `a key of ${keyLength} octets`}`,
    )
  return (content, password) =>
    createHmac(digest, derivation.derive(password, keyLength)).update(content).digest()
}
