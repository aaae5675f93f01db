import { z } from 'zod'
import { type Client, longestTokenLifetime } from '../../../core/clients/index.ts'
import { isProblem, Problem } from '../../../core/problem.ts'
import {
  deleteClient,
  findClient,
  type Registered,
  type RegisteredClient,
  registerClient,
  updateClient,
  userOf,
} from '../../../core/registration/index.ts'
import type { Tenant } from '../../../core/tenant.ts'
import { revokeAllOf, revokeToken, revokeTokenById } from '../../../core/tokens/index.ts'
import type { Services } from '../services.ts'
import { type AdminRoute, route } from './route.ts'
import { iso, isoOrNull, time } from './schemas.ts'

const clientAnswer = z.object({
  clientid: z.string(),
  description: z.string(),
  user: z.string().meta({ description: 'Whom to give roles to' }),
  subscription: z.string().meta({ description: 'The runtime node at whose flows its tokens are good' }),
  roles: z.array(z.string()).meta({ description: 'Of the user, at this node' }),
  tokenLifetime: z.int().meta({ description: 'Seconds' }),
  secret: z.enum(['chosen', 'generated']),
  disabled: z.boolean(),
  tokenurl: z.string(),
  url: z.string(),
  createdAt: time,
  updatedAt: time,
  lastUsedAt: time.nullable(),
})

/** With the secret where one was made: in this answer and nowhere else. A service key that tools read as it is. */
const madeAnswer = clientAnswer.extend({ clientsecret: z.string().optional(), createdate: time })

const ofClient = z.object({ client: z.string() })

/** The rules are in the core, which says what is wrong in words. */
const settings = {
  description: z.string().max(500).optional(),
  tokenLifetime: z
    .number()
    .optional()
    .meta({ description: `Seconds, 1 to ${longestTokenLifetime}` }),
  subscription: z
    .string()
    .optional()
    .meta({ description: 'A runtime node of type iflmap or hcioem, such as default.iflmap' }),
}

async function show(
  clients: readonly RegisteredClient[],
  tenant: Tenant,
  { store, journal, addresses }: Services,
): Promise<z.infer<typeof clientAnswer>[]> {
  const lastUsed = await journal.lastUsed(clients.map(client => client.id))
  const assignments = await store.read.assignments.list(tenant.id)
  return clients.map(client => {
    const user = userOf(client.clientId)
    return {
      clientid: client.clientId,
      description: client.description,
      user,
      subscription: client.node,
      roles: assignments.filter(one => one.user === user && one.node === client.node).map(one => one.role),
      tokenLifetime: client.tokenLifetime,
      secret: client.chosenSecret === undefined ? 'generated' : 'chosen',
      disabled: client.disabled,
      tokenurl: addresses.registeredTokenEndpoint(tenant),
      url: addresses.worker(tenant),
      createdAt: iso(client.createdAt),
      updatedAt: iso(client.updatedAt),
      lastUsedAt: isoOrNull(lastUsed.get(client.id)),
    }
  })
}

async function showMade({ client, secret }: Registered, tenant: Tenant, services: Services) {
  const [shown] = await show([client], tenant, services)
  return {
    ...shown!,
    createdate: iso(client.createdAt),
    ...(secret !== undefined && { clientsecret: secret }),
  }
}

async function revokeOne(
  client: Client,
  { token, tokenId }: { readonly token?: string | undefined; readonly tokenId?: string | undefined },
  tenant: Tenant,
  services: Services,
): Promise<undefined | Problem> {
  if (token === undefined) {
    await revokeTokenById(tokenId!, client, tenant, services)
    return undefined
  }
  const outcome = await revokeToken(token, client, tenant, services)
  if (outcome === 'revoked') return undefined
  return new Problem('not_found', `this is no token of client ${client.clientId} that is still good`, {
    hint: 'A token that has expired, or was revoked, needs no revocation.',
  })
}

const auditMade = ({
  user,
  subscription,
  tokenLifetime,
  disabled,
  description,
  secret,
}: z.infer<typeof madeAnswer>) => ({ user, subscription, tokenLifetime, disabled, description, secret })

export const clientRoutes: readonly AdminRoute[] = [
  route({
    method: 'GET',
    path: '/clients',
    summary: 'List the registered clients (SAP Neo)',
    roles: ['CredentialsRead', 'CredentialsEdit'],
    answer: z.object({ clients: z.array(clientAnswer) }),
    async handle({ tenant }, services) {
      return { clients: await show(await services.store.read.registered.list(tenant.id), tenant, services) }
    },
  }),
  route({
    method: 'POST',
    path: '/clients',
    summary: 'Register a client (SAP Neo); a secret that is made is in this answer and nowhere else',
    roles: ['CredentialsEdit'],
    body: z.strictObject({ clientid: z.string(), secret: z.string().optional(), ...settings }),
    answer: madeAnswer,
    status: 201,
    async handle({ tenant, body }, services) {
      const { clientid: clientId, ...more } = body
      const made = await registerClient(tenant, { clientId, ...more }, services)
      return isProblem(made) ? made : showMade(made, tenant, services)
    },
    audit: made => ({ clientid: made.clientid, ...auditMade(made) }),
  }),
  route({
    method: 'GET',
    path: '/clients/:client',
    summary: 'Show a registered client, without its secret',
    roles: ['CredentialsRead', 'CredentialsEdit'],
    parameters: ofClient,
    answer: clientAnswer,
    async handle({ tenant, parameters }, services) {
      const found = await findClient(tenant, parameters.client, services)
      if (isProblem(found)) return found
      const [shown] = await show([found], tenant, services)
      return shown
    },
  }),
  route({
    method: 'PATCH',
    path: '/clients/:client',
    summary:
      'Change a registered client, or disable it; what is not given stays. A lifetime counts for tokens that are out already, from their issue',
    roles: ['CredentialsEdit'],
    parameters: ofClient,
    body: z.strictObject({
      ...settings,
      disabled: z.boolean().optional(),
      secret: z
        .union([z.string(), z.literal(true)])
        .optional()
        .meta({ description: 'A new one; true: one is made. The old one is refused from now on' }),
    }),
    answer: madeAnswer,
    async handle({ tenant, parameters, body }, services) {
      const changed = await updateClient(tenant, parameters.client, body, services)
      return isProblem(changed) ? changed : showMade(changed, tenant, services)
    },
    audit: (changed, { secret }) => ({
      ...auditMade(changed),
      ...(secret !== undefined && { secretReplaced: true }),
    }),
  }),
  route({
    method: 'DELETE',
    path: '/clients/:client',
    summary: 'Delete a registered client with the roles of its user; its tokens are refused from now on',
    roles: ['CredentialsEdit'],
    parameters: ofClient,
    status: 204,
    handle: ({ tenant, parameters }, services) => deleteClient(tenant, parameters.client, services),
  }),
  route({
    method: 'POST',
    path: '/clients/:client/token-revocation',
    summary:
      'Revoke one token of a registered client, shown or by its id, or every token that it has got so far',
    roles: ['CredentialsEdit'],
    parameters: ofClient,
    body: z
      .strictObject({
        token: z.string().max(16_384).optional().meta({ description: 'The token itself' }),
        tokenId: z
          .string()
          .min(1)
          .max(128)
          .optional()
          .meta({ description: 'As in the line of the log that says that it was issued (jti)' }),
      })
      .refine(({ token, tokenId }) => token === undefined || tokenId === undefined, {
        message: 'give token or tokenId, not both',
      })
      .prefault({}),
    status: 204,
    async handle({ tenant, parameters, body }, services) {
      const found = await findClient(tenant, parameters.client, services)
      if (isProblem(found)) return found
      if (body.token === undefined && body.tokenId === undefined) {
        await revokeAllOf(found.id, services.store)
        return undefined
      }
      const client = await services.directory.byCredentialId(found.id)
      return client && revokeOne(client, body, tenant, services)
    },
    audit: (_answer, { token, tokenId }) => ({
      tokens: token !== undefined ? 'one, shown' : (tokenId ?? 'all'),
    }),
  }),
]
