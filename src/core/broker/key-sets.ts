import { type KeySetTable, namedKeys } from '../clients/index.ts'
import type { Transactions } from '../store.ts'
import type { ServiceKey } from './store.ts'

/** The public keys of a service key of type `jwks` as people see them. */
export interface KeySetInfo {
  /** Where the sender publishes them, if it does. */
  readonly uri: string | undefined
  readonly keys: readonly { readonly kid: string; readonly algorithms: readonly string[] }[]
}

/** The sets of several keys, by the id of the credential. */
export async function keySetsOf(
  keys: readonly Pick<ServiceKey, 'id' | 'type'>[],
  { store }: { readonly store: Transactions<{ keySets: KeySetTable }> },
): Promise<Map<string, KeySetInfo>> {
  const ids = keys.filter(({ type }) => type === 'jwks').map(({ id }) => id)
  const rows = await store.read.keySets.listOf(ids)
  return new Map(
    rows.map(({ credentialId, jwks, jwksUri: uri }) => {
      const named = jwks === undefined ? [] : namedKeys(JSON.parse(jwks))
      const byName = Map.groupBy(named, ({ kid }) => kid)
      const infos = [...byName].map(([kid, each]) => ({ kid, algorithms: each.map(({ alg }) => alg) }))
      return [credentialId, { uri, keys: infos }]
    }),
  )
}
