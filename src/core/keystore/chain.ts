import type { Certificate } from '../../crypto/certificate.ts'
import { formatName, nameEquals } from '../../crypto/names.ts'
import { verifySigned } from '../../crypto/signed.ts'
import { importSpki } from '../../crypto/spki.ts'
import type { Problem } from '../problem.ts'
import { keystoreLimits, refuse } from './rules.ts'

/**
 * Certificates in the order of their chain, from the leaf up, whatever order they came in. Refused where one of them
 * is not part of it. How far up it goes is no matter: who is shown a chain knows the root.
 */
export function orderChain(leaf: Certificate, given: readonly Certificate[]): Certificate[] | Problem {
  const left = given.filter(
    (one, i) => one !== leaf && !given.slice(0, i).some(isSame(one)) && !isSame(leaf)(one),
  )
  if (left.length >= keystoreLimits.chainCertificates)
    return refuse(
      `a chain of ${left.length + 1} certificates: the limit is ${keystoreLimits.chainCertificates}`,
    )
  const chain = [leaf]
  while (left.length > 0) {
    const top = chain.at(-1)!
    const at = isSigned(top, top) ? -1 : left.findIndex(one => isSigned(top, one))
    if (at < 0) return notLinked(top, left)
    chain.push(...left.splice(at, 1))
  }
  return chain
}

/** The one that issued none of the others; undefined where that is not one alone. */
export function leafOf(certificates: readonly Certificate[]): Certificate | undefined {
  const leaves = certificates.filter(
    one => !certificates.some(other => !isSame(other)(one) && isSigned(other, one)),
  )
  return leaves.every(isSame(leaves[0])) ? leaves[0] : undefined
}

/** Did the holder of `issuer` sign it? */
export const isSigned = (certificate: Certificate, issuer: Certificate): boolean =>
  nameEquals(certificate.issuer, issuer.subject) && verifySigned(certificate, importSpki(issuer.spki.raw))

const isSame =
  (one: Certificate | undefined) =>
  (other: Certificate): boolean =>
    one?.raw.equals(other.raw) === true

function notLinked(top: Certificate, left: readonly Certificate[]): Problem {
  const names = left.map(({ subject }) => formatName(subject)).join(' and ')
  return refuse(
    `the certificates are not one chain: none of ${names} signed ${formatName(top.subject)} of issuer ${formatName(top.issuer)}`,
    'Give one certificate with those of its issuers, and nothing besides.',
  )
}
