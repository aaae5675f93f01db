import type { Vault } from '../vault.ts'
import type { FoundMaterial, StoredMaterial } from './store.ts'
import { type TypedContent, typeNamed } from './types/index.ts'

/** Credentials to call others with, opened. */
export type SecurityMaterial = TypedContent & {
  readonly id: string
  readonly tenantId: string
  readonly name: string
  readonly createdAt: number
  readonly updatedAt: number
}

/** Security material as people see it: without what is secret. */
export interface MaterialInfo {
  readonly name: string
  readonly type: string
  readonly content: Readonly<Record<string, unknown>>
  readonly createdAt: number
  readonly updatedAt: number
}

type Owner = Pick<StoredMaterial, 'id' | 'tenantId'>

/** What it is sealed as: in another tenant, or under another id, it does not open. */
export const materialContext = ({ tenantId, id }: Owner): string =>
  `countersign security material ${tenantId} ${id}`

/** The alias of a keystore entry is not in it: that may change. */
export const sealContent = (content: object, owner: Owner, vault: Vault): Buffer =>
  vault.seal(materialContext(owner), Buffer.from(JSON.stringify(content)))

/** Throws when it was tampered with. */
export function openMaterial(found: FoundMaterial, vault: Vault): SecurityMaterial {
  const { id, tenantId, name, type, keystoreAlias, createdAt, updatedAt } = found
  const kept = JSON.parse(vault.open(materialContext(found), found.sealed).toString('utf8'))
  const content = { ...kept, ...(keystoreAlias !== undefined && { keystoreAlias }) }
  return { id, tenantId, name, type, content, createdAt, updatedAt } as SecurityMaterial
}

export function inspectMaterial({
  name,
  type,
  content,
  createdAt,
  updatedAt,
}: SecurityMaterial): MaterialInfo {
  return { name, type, content: typeNamed(type)!.show(content), createdAt, updatedAt }
}
