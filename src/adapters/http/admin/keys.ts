import { z } from 'zod'
import {
  beyondOwnRoles,
  certificatesOfKeys,
  createKey,
  deleteKey,
  endOfKey,
  findInstance,
  findKey,
  type Instance,
  type KeyCertificateInfo,
  keyParametersSchema,
  keySetsOf,
  keyUrls,
  rotateKey,
  type ServiceKey,
} from '../../../core/broker/index.ts'
import { needsCertificate, useOf } from '../../../core/clients/index.ts'
import { isProblem } from '../../../core/problem.ts'
import type { Tenant } from '../../../core/tenant.ts'
import { revokeAllOf } from '../../../core/tokens/index.ts'
import type { Services } from '../services.ts'
import { type AdminRoute, route } from './route.ts'
import { iso, isoOrNull, overlapDays, time } from './schemas.ts'

const certificateAnswer = z.object({
  thumbprint: z.string().meta({ description: 'x5t#S256' }),
  serial: z.string().meta({ description: 'Hexadecimal' }),
  subject: z.string(),
  issuer: z.string(),
  notBefore: time,
  notAfter: time,
  acceptedUntil: time.nullable().meta({ description: 'End of the overlap with its successor' }),
  state: z.enum(['active', 'overlap', 'superseded', 'revoked', 'expired', 'untrusted']),
  reason: z.string().optional(),
  lastUsedAt: time.nullable().meta({ description: 'Over a connection, or by an assertion that it signed' }),
})

const publicKeyAnswer = z.object({
  kid: z.string(),
  algorithms: z.array(z.string()).meta({ description: 'With which it may sign assertions' }),
  lastUsedAt: time.nullable(),
})

const keyAnswer = z.object({
  name: z.string(),
  type: z.string(),
  clientid: z.string(),
  tokenurl: z.string(),
  url: z.string(),
  pinned: z.boolean().nullable().meta({ description: 'null: there is no certificate to pin' }),
  certificates: z.array(certificateAnswer).meta({ description: 'Oldest first' }),
  keys: z.array(publicKeyAnswer).meta({ description: 'Of a key of type jwks, as registered' }),
  jwksUri: z.string().nullable().meta({ description: 'Where the sender publishes its keys instead' }),
  previousSecretUntil: time.nullable(),
  createdAt: time,
  expiresAt: time.nullable().meta({ description: 'The end of the newest certificate in use' }),
  lastUsedAt: time.nullable(),
})

function showCertificate(
  { notBefore, notAfter, acceptedUntil, reason, ...certificate }: KeyCertificateInfo,
  usedAt: number | undefined,
): z.infer<typeof certificateAnswer> {
  return {
    ...certificate,
    lastUsedAt: isoOrNull(usedAt),
    notBefore: iso(notBefore),
    notAfter: iso(notAfter),
    acceptedUntil: isoOrNull(acceptedUntil),
    ...(reason !== undefined && { reason }),
  }
}

/** Keys of one instance; asks the tables as often for a thousand as for one. */
async function showKeys(
  keys: readonly ServiceKey[],
  instance: Instance,
  tenant: Tenant,
  services: Services,
): Promise<z.infer<typeof keyAnswer>[]> {
  const certificates = await certificatesOfKeys(tenant, keys, services)
  const sets = await keySetsOf(keys, services)
  const lastUsed = await services.journal.lastUsed(
    keys.flatMap(({ id }) => [
      id,
      ...(certificates.get(id) ?? []).map(({ thumbprint }) => useOf(id, thumbprint)),
      ...(sets.get(id)?.keys ?? []).map(({ kid }) => useOf(id, kid)),
    ]),
  )
  const now = services.context.now()
  return keys.map(key => {
    const held = certificates.get(key.id) ?? []
    const set = sets.get(key.id)
    const usedAt = (name: string) => lastUsed.get(useOf(key.id, name))
    const { previousSecretUntil: until } = key
    return {
      name: key.name,
      type: key.type,
      clientid: key.clientId,
      ...keyUrls(key, instance, tenant, services),
      pinned: needsCertificate(key) ? key.pinned : null,
      certificates: held.map(one => showCertificate(one, usedAt(one.thumbprint))),
      keys: (set?.keys ?? []).map(({ kid, algorithms }) => ({
        kid,
        algorithms: [...algorithms],
        lastUsedAt: isoOrNull(usedAt(kid)),
      })),
      jwksUri: set?.uri ?? null,
      previousSecretUntil: isoOrNull(until !== undefined && until > now ? until : undefined),
      createdAt: iso(key.createdAt),
      expiresAt: isoOrNull(endOfKey(key, held)),
      lastUsedAt: isoOrNull(lastUsed.get(key.id)),
    }
  })
}

/** The credential itself, as its sender gets it; what the operator should know stands beside it. */
const documentAnswer = z.looseObject({
  clientid: z.string(),
  tokenurl: z.string(),
  url: z.string(),
  createdate: time,
  certificatedetails: z
    .object({
      issuerdn: z.string(),
      subjectdn: z.string(),
      validuntil: time,
      serialnumber: z.string(),
    })
    .optional(),
  warnings: z.array(z.string()).optional(),
})

const showMade = ({ document, warnings }: { document: object; warnings: readonly string[] }) => ({
  ...document,
  ...(warnings.length > 0 && { warnings }),
})

/** Which certificate it is; never the credential. */
const auditMade = ({ certificatedetails, warnings }: z.infer<typeof documentAnswer>) => ({
  ...certificatedetails,
  ...(warnings && { warnings }),
})

const parameters = keyParametersSchema.default({}).meta({
  description:
    'key-type, validity, key-length, X.509, certificate-pinning, csr, jwks, jwks_uri, ... or the spellings of XSUAA',
})

const ofInstance = z.object({ instance: z.string() })
const ofKey = z.object({ instance: z.string(), key: z.string() })

export const keyRoutes: readonly AdminRoute[] = [
  route({
    method: 'GET',
    path: '/instances/:instance/keys',
    summary: 'List the service keys of an instance',
    roles: ['CredentialsRead', 'CredentialsEdit'],
    parameters: ofInstance,
    answer: z.object({ keys: z.array(keyAnswer) }),
    async handle({ tenant, parameters }, services) {
      const instance = await findInstance(tenant, parameters.instance, services)
      if (isProblem(instance)) return instance
      const keys = await services.store.read.keys.list(instance.id)
      return { keys: await showKeys(keys, instance, tenant, services) }
    },
  }),
  route({
    method: 'POST',
    path: '/instances/:instance/keys',
    summary: 'Create a service key; its credential is in this answer and nowhere else',
    roles: ['CredentialsEdit'],
    parameters: ofInstance,
    body: z.strictObject({ name: z.string(), parameters }),
    answer: documentAnswer,
    status: 201,
    async handle({ tenant, parameters, body, roles }, services) {
      const instance = await findInstance(tenant, parameters.instance, services)
      if (isProblem(instance)) return instance
      const refused = beyondOwnRoles(tenant, instance.plan, instance.roles, roles)
      if (refused) return refused
      const made = await createKey(tenant, parameters.instance, body.name, body.parameters, services)
      return isProblem(made) ? made : showMade(made)
    },
    audit: auditMade,
  }),
  route({
    method: 'GET',
    path: '/instances/:instance/keys/:key',
    summary: 'Show a service key, without its credential',
    roles: ['CredentialsRead', 'CredentialsEdit'],
    parameters: ofKey,
    answer: keyAnswer,
    async handle({ tenant, parameters }, services) {
      const found = await findKey(tenant, parameters.instance, parameters.key, services)
      if (isProblem(found)) return found
      const [shown] = await showKeys([found.key], found.instance, tenant, services)
      return shown
    },
  }),
  route({
    method: 'DELETE',
    path: '/instances/:instance/keys/:key',
    summary: 'Delete a service key; it and its tokens are refused from the next request on',
    roles: ['CredentialsEdit'],
    parameters: ofKey,
    status: 204,
    handle: ({ tenant, parameters }, services) =>
      deleteKey(tenant, parameters.instance, parameters.key, services),
  }),
  route({
    method: 'POST',
    path: '/instances/:instance/keys/:key/rotation',
    summary: 'Make another credential of a key; the one before is accepted for the overlap',
    roles: ['CredentialsEdit'],
    parameters: ofKey,
    body: z
      .strictObject({
        overlapDays: overlapDays.optional().meta({ description: 'As the instance says where not given' }),
        parameters,
      })
      .prefault({}),
    answer: documentAnswer,
    status: 201,
    async handle({ tenant, parameters, body, roles }, services) {
      const instance = await findInstance(tenant, parameters.instance, services)
      if (isProblem(instance)) return instance
      const refused = beyondOwnRoles(tenant, instance.plan, instance.roles, roles)
      if (refused) return refused
      const made = await rotateKey(tenant, parameters.instance, parameters.key, body, services)
      return isProblem(made) ? made : showMade(made)
    },
    audit: (made, { overlapDays: days }) => ({
      ...(days !== undefined && { overlapDays: days }),
      ...auditMade(made),
    }),
  }),
  route({
    method: 'POST',
    path: '/instances/:instance/keys/:key/token-revocation',
    summary: 'Revoke every token that a key has got so far',
    roles: ['CredentialsEdit'],
    parameters: ofKey,
    status: 204,
    async handle({ tenant, parameters }, services) {
      const found = await findKey(tenant, parameters.instance, parameters.key, services)
      if (isProblem(found)) return found
      await revokeAllOf(found.key.id, services.store)
      return undefined
    },
  }),
]
