import { tokenChecks } from '../../guard/access-token.ts'
import type { IdentityRequest } from './way.ts'

/** What a token has to pass, in order; a refusal names one of them. */
export const tokenProcedure: readonly string[] = [...tokenChecks, 'binding', 'principal'].map(
  check => `token ${check}`,
)

/** What a certificate has to pass, in order. */
export const certificateProcedure: readonly string[] = ['certificate trusted', 'certificate principal']

/** The checks of what a request shows of who calls, in order. */
export function credentialChecks({
  authorization,
  session,
  certificate,
}: Pick<IdentityRequest, 'authorization' | 'session' | 'certificate'>): readonly string[] {
  if (authorization !== undefined) return /^Bearer( |$)/i.test(authorization) ? tokenProcedure : []
  return session === undefined && certificate !== undefined ? certificateProcedure : []
}
