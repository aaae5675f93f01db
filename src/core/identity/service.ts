import type { Ending } from '../expiry.ts'
import type { Problem } from '../problem.ts'
import type { Soon } from '../soon.ts'
import type { Tenant } from '../tenant.ts'
import type { IdentityCaller, Permissions } from './caller.ts'
import type { AskedPermission, IdentityExamination, TriedIdentity } from './examine.ts'
import type { IdentityModels } from './model.ts'
import type { Sessions } from './sessions.ts'
import type { IdentityRequest } from './way.ts'

/** The identity service of a tenant, as its addresses need it. */
export interface IdentityService {
  readonly tenant: Tenant
  readonly models: IdentityModels
  readonly permissions: Permissions
  readonly sessions: Sessions
  /** Do browsers with a session show where a request comes from? */
  readonly csrfEnabled: boolean
  /** Do users sign in with a password? Else nobody can be set up as the first administrator by one. */
  readonly takesPasswords: boolean
  /** Are connections without a trusted certificate refused? Then the other ports have not its addresses. */
  readonly isOnItsPortAlone: boolean
  /** Of the API that it speaks. */
  readonly version: string
  /** Its certificates in files that end before a time. */
  endings(before: number): Ending[]
  authenticate(request: IdentityRequest): Soon<IdentityCaller | Problem>
  /** Dry run: who would that be, what belongs to him, and may he do it? */
  explain(tried: TriedIdentity, asked: AskedPermission): Promise<IdentityExamination | Problem>
}
