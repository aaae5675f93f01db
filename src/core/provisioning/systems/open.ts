import { encodePem } from '../../../crypto/pem.ts'
import type { ShownCertificate } from '../../calls.ts'
import type { Tenant } from '../../tenant.ts'
import { openSystemKey } from '../certificates/key.ts'
import type { StoredSystem, SystemCertificate } from '../store.ts'
import type { SystemManagement } from './manage.ts'
import { type OpenedSystem, openCredentials } from './opened.ts'

/** A system with its secrets: what it is used with. */
export async function openSystem(
  tenant: Pick<Tenant, 'name'>,
  system: StoredSystem,
  { store, vault }: Pick<SystemManagement, 'store' | 'vault'>,
): Promise<OpenedSystem> {
  const { id, tenantId, name, type, role, properties, readTransformation, writeTransformation } = system
  const active = (await store.read.systemCertificates.list(id)).find(one => one.active)
  return {
    id,
    tenantId,
    tenantName: tenant.name,
    name,
    type,
    role,
    properties,
    credentials: openCredentials(system, vault),
    readTransformation,
    writeTransformation,
    certificate: active && shown(active),
  }

  function shown(certificate: SystemCertificate): ShownCertificate {
    return {
      cert: certificate.chain.map(der => encodePem('CERTIFICATE', der)).join(''),
      key: openSystemKey(certificate, vault).export({ type: 'pkcs8', format: 'pem' }) as string,
    }
  }
}
