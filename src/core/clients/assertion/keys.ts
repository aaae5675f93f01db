import type { KeyObject } from 'node:crypto'
import { readKeySet } from '../../../guard/key-set.ts'
import type { Transactions } from '../../store.ts'
import type { KeyCertificateTable } from '../certificates.ts'
import type { Client } from '../client.ts'
import { amongCertificates, type CertificateKey, certificateKey } from './certificate-keys.ts'
import { type AssertionKey, type Header, useOf } from './key.ts'

/** Keys of clients as their instances hold them: certificates, or a set of keys. */
export interface AssertionKeys {
  /**
   * The keys that the header of an assertion may mean: those of this client only (RFC 8725 section 3.10), of a set
   * only those for this algorithm. Where the header names none, all of them. A string says why there is none.
   */
  find(client: Client, header: Header, alg: string): Promise<readonly AssertionKey[] | string>
}

/** The keys at an address that the operator registered, for one `kid` and one algorithm; a string says why none. */
export interface RemoteKeySets {
  find(uri: string, kid: string, alg: string): Promise<KeyObject | string>
}

/** A set of keys as stored with its service key. */
export interface KeySetRow {
  readonly credentialId: string
  /** JSON of a JWK set. */
  readonly jwks: string | undefined
  readonly jwksUri: string | undefined
}

export interface KeySetTable {
  find(credentialId: string): Promise<KeySetRow | undefined>
  /** Of several keys. */
  listOf(credentialIds: readonly string[]): Promise<KeySetRow[]>
  insert(row: KeySetRow): Promise<void>
  replace(row: KeySetRow): Promise<void>
}

type Tables = { keyCertificates: KeyCertificateTable; keySets: KeySetTable }

interface HeldSet {
  readonly uri: string | undefined
  readonly keys: readonly NamedKey[]
}

interface NamedKey {
  readonly kid: string
  readonly alg: string
  readonly key: KeyObject
}

export function createAssertionKeys(store: Transactions<Tables>, remote: RemoteKeySets): AssertionKeys {
  const certificatesOf = perClient<readonly CertificateKey[]>(async client => {
    const rows = await store.read.keyCertificates.list(client.credentialId)
    return rows.map(({ der, thumbprint }) => certificateKey(client.credentialId, der, thumbprint)).reverse()
  })
  const setOf = perClient<HeldSet>(async client => {
    const { jwks, jwksUri: uri } = (await store.read.keySets.find(client.credentialId)) ?? {}
    return { uri, keys: jwks === undefined ? [] : namedKeys(JSON.parse(jwks)) }
  })

  return {
    async find(client, header, alg) {
      if (client.type === 'jwks') return inSet(client, await setOf(client), header.kid, alg, remote)
      if (client.certificates.length > 0) return amongCertificates(await certificatesOf(client), header)
      return client.type === 'certificate_external'
        ? 'the key holds no certificate, only a name: that is no public key'
        : `the key is of type ${client.type}, which signs no assertions`
    },
  }
}

/** What is read of a client once: it is another object as soon as anything of it has changed. */
function perClient<Value>(read: (client: Client) => Promise<Value>): (client: Client) => Promise<Value> {
  const known = new WeakMap<Client, Promise<Value>>()
  return client => {
    let value = known.get(client)
    if (!value) {
      value = read(client)
      known.set(client, value)
      value.catch(() => known.delete(client))
    }
    return value
  }
}

/** The keys of a JWK set with all that each may be used for. */
export function namedKeys(jwks: unknown): readonly NamedKey[] {
  const set = readKeySet(jwks)
  return typeof set === 'string'
    ? []
    : set.keys.map(({ kid, algorithm: { name }, key }) => ({ kid, alg: name, key }))
}

async function inSet(
  { credentialId }: Client,
  { uri, keys }: HeldSet,
  kid: unknown,
  alg: string,
  remote: RemoteKeySets,
): Promise<readonly AssertionKey[] | string> {
  if (kid !== undefined && typeof kid !== 'string') return 'its kid is no text'
  const held = (one: { kid: string; key: KeyObject }): AssertionKey => ({
    id: useOf(credentialId, one.kid),
    key: one.key,
    certificate: undefined,
  })
  if (uri !== undefined) {
    if (kid === undefined) return 'its header has no kid, by which keys at a jwks_uri are found'
    const key = await remote.find(uri, kid, alg)
    return typeof key === 'string' ? key : [held({ kid, key })]
  }
  const meant = kid === undefined ? keys : keys.filter(one => one.kid === kid)
  if (meant.length === 0) return 'no key of the set has its kid'
  const found = meant.filter(one => one.alg === alg)
  return found.length > 0 ? found.map(held) : `no key that it may mean is one for ${alg}`
}
