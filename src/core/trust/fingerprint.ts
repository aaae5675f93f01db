import { hash } from 'node:crypto'
import type { Certificate } from '../../crypto/certificate.ts'

/** SHA-256 of the certificate, hexadecimal: how trusted ones are named. */
export const fingerprintOf = ({ raw }: Pick<Certificate, 'raw'>): string => hash('sha256', raw, 'hex')
