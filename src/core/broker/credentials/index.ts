import { certificate } from './certificate.ts'
import { certificateExternal } from './certificate-external.ts'
import type { CredentialKind } from './credential.ts'
import { jwks } from './jwks.ts'
import { secret } from './secret.ts'

/** THE LIST of kinds of service keys. */
export const credentialKinds: readonly CredentialKind[] = [secret, certificate, certificateExternal, jwks]
