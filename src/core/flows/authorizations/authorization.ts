import type { Identification, ResourceRequest } from '../../admission/index.ts'
import type { Problem, ProblemSubject } from '../../problem.ts'
import type { Soon } from '../../soon.ts'

/** A sender that was let in. */
export interface Admitted {
  /** Its client id, or its user where it calls as one; where a flow lists names of certificates, the subject of its own. */
  readonly name: string
  /** Unique among all tenants. */
  readonly id: string
  /** The credential that was used here; undefined where that was noted elsewhere, or there is none. */
  readonly credentialUsed: string | undefined
  /** With which it calls. */
  readonly roles: ReadonlySet<string>
  readonly subject: ProblemSubject
}

/** Who may call a flow. A new variant is a file here and a line in the list. */
export interface Authorization {
  /** Roles that must exist when the flow is deployed. */
  readonly roles: readonly string[]
  /** The checks that it runs, in order. */
  checks(request: Pick<ResourceRequest, 'authorization' | 'certificate'>): readonly string[]
  admit(request: ResourceRequest, deps: Identification): Soon<Admitted | Problem>
}

/** A variant as it is written in a flow file. */
export interface AuthorizationVariant<Definition> {
  /** Is it this one that the file says? */
  is(definition: AuthorizationDefinition): definition is AuthorizationDefinition & Definition
  /** `node`: the runtime node that the flow is deployed to. */
  compile(definition: Definition, node: string): Authorization
  /** For the operator: what was read otherwise than written, and what is not recommended. */
  warnings(definition: Definition): readonly string[]
}

export interface UserRole {
  readonly userRole: string
}

export interface ClientCertificates {
  readonly clientCertificates: readonly { readonly subjectDN: string; readonly issuerDN: string }[]
}

export type AuthorizationDefinition = UserRole | ClientCertificates
