import { formatSecret, secretDigest } from '../../crypto/secret.ts'
import { limitReached, limits, type RoleAssignmentTable } from '../broker/index.ts'
import type { ChosenSecrets, ClientTable } from '../clients/index.ts'
import { type Context, hour, newId } from '../context.ts'
import { defaultNode } from '../nodes.ts'
import { Problem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import type { Vault } from '../vault.ts'
import { checkClientId, checkLifetime, checkNode, checkSecret } from './rules.ts'
import { type RegisteredClient, type RegisteredClientTable, userOf } from './store.ts'

type Tables = {
  registered: RegisteredClientTable
  assignments: RoleAssignmentTable
  clients: Pick<ClientTable, 'byClientId'>
}

export interface Registering {
  readonly store: Transactions<Tables>
  readonly chosenSecrets: ChosenSecrets
  readonly vault: Pick<Vault, 'pepper'>
  readonly context: Pick<Context, 'now' | 'random'>
}

export interface NewRegistration {
  readonly clientId: string
  readonly description?: string | undefined
  /** undefined: one is made. */
  readonly secret?: string | undefined
  /** Seconds; an hour where none is given. */
  readonly tokenLifetime?: number | undefined
  /** A runtime node. */
  readonly subscription?: string | undefined
}

export interface Registered {
  readonly client: RegisteredClient
  /** The secret that was made, told once; undefined where one was given, or it stays as it was. */
  readonly secret: string | undefined
}

/** Registers a client (SAP Neo). It gets tokens from the next request on. */
export async function registerClient(
  tenant: Tenant,
  {
    clientId,
    description = '',
    secret,
    tokenLifetime = hour / 1000,
    subscription = defaultNode,
  }: NewRegistration,
  deps: Registering,
): Promise<Registered | Problem> {
  const wrong = checkClientId(clientId) ?? checkLifetime(tokenLifetime) ?? checkNode(subscription)
  if (wrong) return wrong
  const credential = await makeCredential(clientId, secret, deps)
  if (credential instanceof Problem) return credential
  const now = deps.context.now()
  const client: RegisteredClient = {
    id: newId(deps.context),
    tenantId: tenant.id,
    clientId,
    description,
    generation: 1,
    ...credential.stored,
    tokenLifetime,
    node: subscription,
    disabled: false,
    createdAt: now,
    updatedAt: now,
  }
  return deps.store.write(async ({ registered, clients }) => {
    const taken = await clients.byClientId(tenant.id, clientId)
    if (taken)
      return new Problem(
        'conflict',
        taken.registration
          ? `client ${clientId} exists already`
          : `${clientId} is the client id of service key ${taken.keyName} of instance ${taken.instanceName}`,
      )
    if ((await registered.count(tenant.id)) >= limits.registeredClientsPerTenant)
      return limitReached('registered clients of a tenant', limits.registeredClientsPerTenant)
    await registered.insert(client)
    return { client, secret: credential.secret }
  })
}

export interface RegistrationChanges {
  readonly description?: string | undefined
  readonly tokenLifetime?: number | undefined
  readonly subscription?: string | undefined
  readonly disabled?: boolean | undefined
  /** A new one, chosen; or `true`: one is made. The old one is refused from the next request on. */
  readonly secret?: string | true | undefined
}

/**
 * Changes a registered client; what is not given stays as it is. A lifetime counts for tokens that are out already, from
 * the time of their issue: some may end at once, others live again.
 */
export async function updateClient(
  tenant: Tenant,
  clientId: string,
  { description, tokenLifetime, subscription, disabled, secret }: RegistrationChanges,
  deps: Registering,
): Promise<Registered | Problem> {
  const wrong =
    (tokenLifetime === undefined ? undefined : checkLifetime(tokenLifetime)) ??
    (subscription === undefined ? undefined : checkNode(subscription))
  if (wrong) return wrong
  const found = await findClient(tenant, clientId, deps)
  if (found instanceof Problem) return found
  const credential =
    secret === undefined
      ? undefined
      : await makeCredential(clientId, secret === true ? undefined : secret, deps)
  if (credential instanceof Problem) return credential
  return deps.store.write(async ({ registered }) => {
    const current = await registered.find(tenant.id, clientId)
    if (!current) return noClient(clientId)
    const client: RegisteredClient = {
      ...current,
      ...credential?.stored,
      description: description ?? current.description,
      tokenLifetime: tokenLifetime ?? current.tokenLifetime,
      node: subscription ?? current.node,
      disabled: disabled ?? current.disabled,
      updatedAt: deps.context.now(),
    }
    await registered.update(client)
    return { client, secret: credential?.secret }
  })
}

/**
 * Deletes a registered client. Its tokens are refused from the next request on, and its user loses its roles, so that
 * nobody inherits them with the id.
 */
export async function deleteClient(
  tenant: Tenant,
  clientId: string,
  { store }: Pick<Registering, 'store'>,
): Promise<RegisteredClient | Problem> {
  return store.write(async ({ registered, assignments }) => {
    const client = await registered.find(tenant.id, clientId)
    if (!client) return noClient(clientId)
    await assignments.deleteOf(tenant.id, userOf(clientId))
    await registered.delete(client)
    return client
  })
}

export async function findClient(
  tenant: Tenant,
  clientId: string,
  { store }: Pick<Registering, 'store'>,
): Promise<RegisteredClient | Problem> {
  return (await store.read.registered.find(tenant.id, clientId)) ?? noClient(clientId)
}

const noClient = (clientId: string): Problem =>
  new Problem('not_found', `there is no registered client ${clientId}`, {
    hint: 'See `countersign client list`; upper and lower case count.',
  })

/** A secret that was given is checked and hashed; where none was, one of 256 random bits is made. */
async function makeCredential(
  clientId: string,
  given: string | undefined,
  { chosenSecrets, vault, context }: Registering,
) {
  if (given === undefined) {
    const secret = formatSecret(context.random(32))
    return {
      secret,
      stored: { secretDigest: secretDigest(vault.pepper, secret), chosenSecret: undefined },
    }
  }
  const wrong = checkSecret(given, clientId)
  if (wrong) return wrong
  const chosenSecret = await chosenSecrets.hash(given, 'administrators')
  return chosenSecret === 'full'
    ? new Problem('unavailable', 'too many secrets are being hashed', { retryAfter: 1 })
    : { secret: undefined, stored: { secretDigest: undefined, chosenSecret } }
}
