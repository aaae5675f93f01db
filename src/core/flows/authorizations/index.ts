import type { Authorization, AuthorizationDefinition, AuthorizationVariant } from './authorization.ts'
import { clientCertificates } from './client-certificates.ts'
import { userRole } from './user-role.ts'

export type { Admitted, Authorization, AuthorizationDefinition } from './authorization.ts'

/** THE LIST of ways in which a flow says who may call it. */
const variants = [userRole, clientCertificates] as const

export const compileAuthorization = (definition: AuthorizationDefinition, node: string): Authorization =>
  variantOf(definition).compile(definition, node)

export const authorizationWarnings = (definition: AuthorizationDefinition): readonly string[] =>
  variantOf(definition).warnings(definition)

function variantOf(definition: AuthorizationDefinition): AuthorizationVariant<AuthorizationDefinition> {
  // The schema has let through nothing else.
  return variants.find(variant => variant.is(definition))! as AuthorizationVariant<AuthorizationDefinition>
}
