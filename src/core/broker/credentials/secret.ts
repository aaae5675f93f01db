import { z } from 'zod'
import { formatSecret, secretDigest } from '../../../crypto/secret.ts'
import { plan } from '../../plans.ts'
import type { CredentialKind } from './credential.ts'
import { noParameters } from './parameters.ts'

/** ClientId/Secret: 256 random bits, shown once, stored as a keyed hash. */
export const secret: CredentialKind = {
  type: 'secret',
  schema: z.strictObject({}),
  async make({ instance }, parameters, { vault, context }) {
    const refused = noParameters(this.type, parameters)
    if (refused) return refused
    const clientSecret = formatSecret(context.random(32))
    return {
      stored: { secretDigest: secretDigest(vault.pepper, clientSecret) },
      document: { clientsecret: clientSecret },
      warnings: instance.bindTokens ? [needsOne] : [],
    }
  },
  async succeed(key, made, { until }, { keys }) {
    await keys.replaceSecret(key, made.stored.secretDigest!, until)
    return undefined
  },
  urls: (instance, tenant, addresses) => ({
    tokenurl: addresses.tokenEndpoint(tenant),
    url: plan(instance.plan)!.audience(addresses, tenant),
  }),
}

const needsOne =
  'the instance binds tokens: with this secret the sender gets one only where it shows a client certificate as well, any that it has, at the address that asks for one'
