import { parseCertificate } from '../../crypto/certificate.ts'
import { DerError } from '../../crypto/der.ts'
import { nameEquals } from '../../crypto/names.ts'
import type { PresentedCertificate } from '../../guard/presented-certificate.ts'
import { BoundedCache } from '../cache.ts'

/** By thumbprint: the same sender comes again on other connections. */
const known = new BoundedCache<boolean>(10_000)

/** Does a certificate name itself as its issuer? False for what cannot be read. */
export function isSelfIssued(presented: PresentedCertificate): boolean {
  let found = known.get(presented.thumbprint)
  if (found === undefined) {
    found = namesItself(presented)
    known.set(presented.thumbprint, found)
  }
  return found
}

function namesItself({ der }: PresentedCertificate): boolean {
  try {
    const { subject, issuer } = parseCertificate(der)
    return nameEquals(subject, issuer)
  } catch (error) {
    if (error instanceof DerError) return false
    throw error
  }
}
