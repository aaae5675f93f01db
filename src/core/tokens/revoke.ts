import type { Client, ClientTable } from '../clients/index.ts'
import { type Context, minute } from '../context.ts'
import { isProblem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import type { TokenChecking } from './check.ts'
import { lastEndOf, longestLifeOf } from './lifetime.ts'
import { ownedTokenId } from './revocations.ts'
import type { Revocation, RevocationTable } from './store.ts'

/** Single revocations that are kept for one credential; past it all of its tokens are revoked at once. */
export const mostRevocationsOfACredential = 1000

type Tables = { revocations: RevocationTable; clients: ClientTable }

export interface Revoking {
  readonly store: Transactions<Tables>
  readonly checking: TokenChecking
}

/**
 * Revokes one token of the client that asks (RFC 7009 section 2.1). What is not a token, is not valid any more or
 * belongs to another client is left alone, and the caller cannot tell (section 2.2). Resolves once it is stored.
 */
export async function revokeToken(
  text: string,
  client: Client,
  tenant: Tenant,
  { store, checking }: Revoking,
): Promise<'revoked' | 'nothing to revoke'> {
  const active = await checking.check(text, tenant)
  if (isProblem(active) || active.client.credentialId !== client.credentialId) return 'nothing to revoke'
  const { tokenId, credentialId } = active.token
  const keepUntil = lastEndOf(active.token, client) * 1000 + margin
  await note({ tenantId: tenant.id, tokenId, credentialId, keepUntil }, store)
  return 'revoked'
}

/**
 * Revokes a token of the client that asks by its id alone (`jti`). Nobody can tell whether there is such a token: it is
 * remembered for as long as one issued now could live, and counts for tokens of this client only.
 */
export async function revokeTokenById(
  tokenId: string,
  client: Client,
  tenant: Tenant,
  { store, context }: Pick<Revoking, 'store'> & { readonly context: Pick<Context, 'now'> },
): Promise<void> {
  const { credentialId } = client
  // Another validity may have been set when the token was issued.
  const keepUntil = context.now() + longestLifeOf(client) * 1000 + margin
  const owned = ownedTokenId(credentialId, tokenId)
  await note({ tenantId: tenant.id, tokenId: owned, credentialId, keepUntil }, store)
}

const margin = 5 * minute

async function note(revocation: Revocation, store: Transactions<Tables>): Promise<void> {
  const { credentialId } = revocation
  await store.write(async ({ revocations, clients }) => {
    if ((await revocations.count(credentialId)) < mostRevocationsOfACredential)
      return revocations.insert(revocation)
    await clients.raiseGeneration(credentialId)
    await revocations.deleteOf(credentialId)
  })
}

/** Revokes every token that a credential has got so far. */
export async function revokeAllOf(credentialId: string, store: Transactions<Tables>): Promise<boolean> {
  return store.write(async ({ revocations, clients }) => {
    const known = await clients.raiseGeneration(credentialId)
    await revocations.deleteOf(credentialId)
    return known
  })
}
