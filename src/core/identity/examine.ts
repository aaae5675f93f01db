import type { PresentedCertificate } from '../../guard/presented-certificate.ts'
import { type DecisionCheck, markChecks } from '../explain/index.ts'
import { isProblem, Problem } from '../problem.ts'
import { printable } from '../schema.ts'
import type { Soon } from '../soon.ts'
import type { Tenant } from '../tenant.ts'
import { certificateProcedure, tokenProcedure } from './checks.ts'
import { explainIdentity, type IdentityExplanation, type Question } from './explain.ts'
import { resourcePermissions } from './kinds/authorization.ts'
import type { IdentityModels } from './model.ts'
import type { Proven } from './way.ts'
import type { IdentityTokens } from './ways/token.ts'

/** What a caller would show: a token, with the certificate of its connection where it is bound to one, or a certificate. */
export type TriedIdentity =
  | { readonly token: string; readonly certificate?: PresentedCertificate | undefined }
  | { readonly certificate: PresentedCertificate }

/** What the caller would like to do; resource `*` stands for all of them. */
export type AskedPermission = { readonly [part in keyof Question]?: Question[part] | undefined }

/** What would become of a caller, and why. */
export interface IdentityExamination {
  readonly accepted: boolean
  readonly by: 'token' | 'certificate'
  readonly code: string | undefined
  readonly reason: string
  readonly hint: string | undefined
  readonly checks: readonly DecisionCheck[]
  /** undefined: nobody is known, so nothing belongs to him. */
  readonly explanation: IdentityExplanation | undefined
}

export interface ExaminationDependencies {
  readonly models: IdentityModels
  readonly authorizationsEnabled: boolean
  /** undefined: tokens are not taken. */
  readonly tokens: Pick<IdentityTokens, 'examine'> | undefined
  /** undefined: certificates are not taken. */
  readonly certificates: { examine(presented: PresentedCertificate): Soon<Proven | Problem> } | undefined
}

/** Dry run: who would that be, what belongs to him, and may he do it? Nothing of it is logged or stored. */
export async function examineIdentity(
  { id }: Pick<Tenant, 'id'>,
  tried: TriedIdentity,
  asked: AskedPermission,
  deps: ExaminationDependencies,
): Promise<IdentityExamination | Problem> {
  const question = readQuestion(asked)
  if (isProblem(question)) return question
  const by = 'token' in tried ? 'token' : 'certificate'
  const procedure = by === 'token' ? tokenProcedure : certificateProcedure
  const proven = await prove(tried, deps)
  if (isProblem(proven)) {
    const { code, reason, hint, check } = proven
    const checks = check === undefined ? [] : markChecks(procedure, check)
    return { accepted: false, by, code, reason, hint, checks, explanation: undefined }
  }
  const { principal } = proven
  return {
    accepted: true,
    by,
    code: undefined,
    reason: `the ${by} is that of ${principal.type} ${printable(principal.id)}`,
    hint: undefined,
    checks: markChecks(procedure, undefined),
    explanation: explainIdentity(principal, await deps.models.of(id), deps.authorizationsEnabled, question),
  }
}

function prove(
  tried: TriedIdentity,
  { tokens, certificates }: ExaminationDependencies,
): Soon<Proven | Problem> {
  if ('token' in tried)
    return tokens ? tokens.examine(tried.token, tried.certificate?.thumbprint) : notTaken.token
  return certificates ? certificates.examine(tried.certificate) : notTaken.certificate
}

const notTaken = {
  token: new Problem('bad_credentials', 'tokens are not accepted', {
    reason: 'tokens are not accepted: users sign in with their passwords',
    hint: 'Set CAMUNDA_SECURITY_AUTHENTICATION_METHOD=OIDC and CAMUNDA_IDENTITY_ISSUER.',
  }),
  certificate: new Problem('bad_credentials', 'certificates are not accepted', {
    reason: 'certificates are not accepted',
    hint: 'Set CAMUNDA_SECURITY_AUTHENTICATION_MTLS_ENABLED=true and say which authorities are trusted.',
  }),
} as const

function readQuestion({
  resourceType,
  permission,
  resourceId,
}: AskedPermission): Question | undefined | Problem {
  if (resourceType === undefined && permission === undefined && resourceId === undefined) return undefined
  if (resourceType === undefined || permission === undefined)
    return new Problem('invalid_input', 'resourceType and permission go together')
  const known = Object.hasOwn(resourcePermissions, resourceType)
    ? resourcePermissions[resourceType]
    : undefined
  if (!known)
    return new Problem(
      'invalid_input',
      `resourceType: there is no ${printable(resourceType)}, but ${Object.keys(resourcePermissions).join(', ')}`,
    )
  if (!known.includes(permission))
    return new Problem(
      'invalid_input',
      `permission: there is no ${printable(permission)} on ${resourceType}, but ${known.join(', ')}`,
    )
  return { resourceType, permission, resourceId: resourceId ?? '*' }
}
