import type { ClientAuthenticationMethod } from '../method.ts'
import { clientSecretBasic } from './client-secret-basic.ts'
import { clientSecretPost } from './client-secret-post.ts'

/** THE LIST of client authentication methods. Metadata, the one-method rule and the tests' table follow from it. */
export const clientAuthenticationMethods: readonly ClientAuthenticationMethod[] = [
  clientSecretBasic,
  clientSecretPost,
]
