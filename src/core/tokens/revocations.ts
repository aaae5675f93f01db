import type { ChangeFeed } from '../store.ts'
import type { RevocationTable } from './store.ts'

/** The tokens that were revoked one by one, in memory: asked about on every use of every token. */
export interface RevokedTokens {
  /** Has the list of this tenant been read? If not, wait for `load`. */
  isLoaded(tenantId: string): boolean
  load(tenantId: string): Promise<void>
  /** By the token itself, or by its id: the latter counts for tokens of the credential that named it. */
  has(tenantId: string, token: { readonly tokenId: string; readonly credentialId: string }): boolean
}

/** How a token is written in the list that was revoked by its id, without being shown. */
export const ownedTokenId = (credentialId: string, tokenId: string) => `${credentialId}.${tokenId}`

export function createRevokedTokens(table: RevocationTable, changes: ChangeFeed): RevokedTokens {
  const loaded = new Map<string, Set<string>>()
  let epoch = 0
  changes.onChange(change => {
    if (!change) {
      epoch++
      loaded.clear()
    } else if (change.kind === 'revocation') {
      epoch++
      if (change.id === '*') loaded.delete(change.tenantId)
      else loaded.get(change.tenantId)?.add(change.id)
    } else if (change.kind === 'tenant') loaded.delete(change.tenantId)
  })
  return {
    isLoaded: tenantId => loaded.has(tenantId),
    async load(tenantId) {
      for (;;) {
        const started = epoch
        const revoked = new Set((await table.list(tenantId)).map(row => row.tokenId))
        if (started !== epoch) continue
        loaded.set(tenantId, revoked)
        return
      }
    },
    has(tenantId, { tokenId, credentialId }) {
      const revoked = loaded.get(tenantId)
      if (!revoked) return true
      return revoked.size > 0 && (revoked.has(tokenId) || revoked.has(ownedTokenId(credentialId, tokenId)))
    },
  }
}
