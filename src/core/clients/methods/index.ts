import type { ClientAuthenticationMethod } from '../method.ts'
import { clientSecretBasic } from './client-secret-basic.ts'
import { clientSecretPost } from './client-secret-post.ts'
import { privateKeyJwt } from './private-key-jwt.ts'
import { selfSignedTlsClientAuth } from './self-signed-tls-client-auth.ts'
import { tlsClientAuth } from './tls-client-auth.ts'

/**
 * THE LIST of client authentication methods. Metadata, the one-method rule and the tests' table follow from it.
 * Those of the connection come last: they speak only where nothing else does.
 */
export const clientAuthenticationMethods: readonly ClientAuthenticationMethod[] = [
  clientSecretBasic,
  clientSecretPost,
  privateKeyJwt,
  selfSignedTlsClientAuth,
  tlsClientAuth,
]
