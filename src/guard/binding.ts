import { show } from './access-token.ts'

/**
 * A bound token counts only together with the certificate it is bound to (RFC 8705 section 3). A confirmation that
 * is not understood refuses the token. Returns why the token is refused; undefined: it is not bound, or rightly.
 */
export function checkBinding(cnf: unknown, certificateThumbprint: string | undefined): string | undefined {
  if (cnf === undefined) return undefined
  const members = typeof cnf === 'object' && cnf !== null && !Array.isArray(cnf) ? Object.entries(cnf) : []
  const [member] = members
  if (members.length !== 1 || member?.[0] !== 'x5t#S256' || !isThumbprint(member[1]))
    return 'cnf names a confirmation that is not supported'
  if (certificateThumbprint === undefined)
    return 'the token is bound to a certificate, and none was presented'
  if (certificateThumbprint === member[1]) return undefined
  return `the token is bound to the certificate ${member[1]}, presented was ${show(certificateThumbprint)}`
}

const isThumbprint = (value: unknown): value is string =>
  typeof value === 'string' && /^[A-Za-z0-9_-]{43}$/.test(value)
