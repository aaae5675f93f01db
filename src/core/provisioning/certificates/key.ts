import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { Vault } from '../../vault.ts'
import type { SystemCertificate } from '../store.ts'

type Owner = Pick<SystemCertificate, 'id' | 'tenantId' | 'systemId'>

/** What the key is sealed as: for another certificate, or in another system or tenant, it does not open. */
const keyContext = ({ tenantId, systemId, id }: Owner): string =>
  `countersign provisioning key ${tenantId} ${systemId} ${id}`

export const sealSystemKey = (key: KeyObject, owner: Owner, vault: Vault): Buffer =>
  vault.seal(keyContext(owner), key.export({ format: 'der', type: 'pkcs8' }))

/** Throws when it was tampered with. */
export const openSystemKey = (certificate: SystemCertificate, vault: Vault): KeyObject =>
  createPrivateKey({
    key: vault.open(keyContext(certificate), certificate.sealedKey),
    format: 'der',
    type: 'pkcs8',
  })
