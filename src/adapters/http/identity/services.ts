import type { IncomingMessage } from 'node:http'
import type { Context } from '../../../core/context.ts'
import type {
  IdentityCaller,
  IdentityManagement,
  IdentityModels,
  Permissions,
} from '../../../core/identity/index.ts'
import type { Problem } from '../../../core/problem.ts'
import type { Soon } from '../../../core/soon.ts'
import type { Tenant } from '../../../core/tenant.ts'
import type { Services } from '../services.ts'

/** What the identity API of one tenant is made of. */
export interface IdentityServices extends IdentityManagement, Pick<Services, 'journal' | 'meter'> {
  readonly tenant: Tenant
  readonly models: IdentityModels
  readonly permissions: Permissions
  readonly context: Context
  /** Do users sign in with a password? */
  readonly takesPasswords: boolean
  /** Of this program, as clients are told it. */
  readonly version: string
  /** Who calls? The request has passed the front door. */
  authenticate(request: IncomingMessage): Soon<IdentityCaller | Problem>
}
