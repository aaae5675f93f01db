import { formatSecret, secretDigest } from '../../../crypto/secret.ts'
import { plan } from '../../plans.ts'
import type { CredentialKind } from './credential.ts'

/** ClientId/Secret: 256 random bits, shown once, stored as a keyed hash. */
export const secret: CredentialKind = {
  type: 'secret',
  async create(_instance, _tenant, _parameters, { vault, context }) {
    const clientSecret = formatSecret(context.random(32))
    return {
      stored: { secretDigest: secretDigest(vault.pepper, clientSecret), expiresAt: undefined },
      document: { clientsecret: clientSecret },
    }
  },
  urls: (instance, tenant, addresses) => ({
    tokenurl: addresses.tokenEndpoint(tenant),
    url: plan(instance.plan)!.audience(addresses, tenant),
  }),
}
