import { Problem } from '../../../core/problem.ts'
import { PemError, readCertificateInput } from '../../../crypto/pem.ts'
import { certificateThumbprint } from '../../../crypto/thumbprint.ts'
import type { PresentedCertificate } from '../../../guard/presented-certificate.ts'

/** A certificate as its sender would show it: PEM of its own first, then of those that it sends along. */
export function readPresented(pem: string): PresentedCertificate | Problem {
  try {
    const [leaf, ...chain] = readCertificateInput(pem)
    return { der: leaf!, thumbprint: certificateThumbprint(leaf!), chain }
  } catch (error) {
    if (error instanceof PemError) return new Problem('invalid_input', `certificate: ${error.message}`)
    throw error
  }
}
