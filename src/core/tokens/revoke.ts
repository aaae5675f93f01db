import type { Client, ClientTable } from '../clients/index.ts'
import { minute } from '../context.ts'
import { isProblem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import type { TokenChecking } from './check.ts'
import type { RevocationTable } from './store.ts'

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
  const { tokenId, credentialId, expiresAt } = active.token
  const keepUntil = expiresAt * 1000 + 5 * minute
  await store.write(async ({ revocations, clients }) => {
    if ((await revocations.count(credentialId)) < mostRevocationsOfACredential) {
      await revocations.insert({ tenantId: tenant.id, tokenId, credentialId, keepUntil })
      return
    }
    await clients.raiseGeneration(credentialId)
    await revocations.deleteOf(credentialId)
  })
  return 'revoked'
}

/** Revokes every token that a credential has got so far. */
export async function revokeAllOf(credentialId: string, store: Transactions<Tables>): Promise<boolean> {
  return store.write(async ({ revocations, clients }) => {
    const known = await clients.raiseGeneration(credentialId)
    await revocations.deleteOf(credentialId)
    return known
  })
}
