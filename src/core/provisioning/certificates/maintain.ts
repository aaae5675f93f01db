import { parseCertificate } from '../../../crypto/certificate.ts'
import { formatName } from '../../../crypto/names.ts'
import { day } from '../../context.ts'
import type { Ending } from '../../expiry.ts'
import { isProblem } from '../../problem.ts'
import type { Transactions } from '../../store.ts'
import type { Tenant } from '../../tenant.ts'
import type { EndingSystemCertificate, ProvisioningTables } from '../store.ts'
import { type CertificateManagement, mostCertificates, newCertificate, removeCertificate } from './manage.ts'

/** As described: so long before the active certificate ends, its successor is made. */
const renewedBeforeMs = 14 * day

/** The active certificates of all tenants that end before `time`. */
export async function endingSystemCertificates(
  time: number,
  { store }: { readonly store: Transactions<ProvisioningTables> },
): Promise<Ending[]> {
  return (await store.read.systemCertificates.endingBefore(time)).map(
    ({ tenantName, systemName, systemType, fingerprint, chain, notAfter }) => ({
      of: 'provisioning',
      id: fingerprint,
      names: {
        tenant: tenantName,
        system: systemName,
        subject: formatName(parseCertificate(chain[0]!).subject),
        notification: `Outbound Certificate Expiration. ${systemType} System: ${systemName}`,
      },
      notAfter,
      hint: `Make its successor, upload it at the other side, then activate it: countersign provisioning certificate generate ${systemName}`,
    }),
  )
}

export interface CertificateMaintenance extends CertificateManagement {
  readonly tenants: { all(): readonly Tenant[] }
}

/**
 * Where ips.certificate.automatic.regeneration says so: makes and activates a successor. An inactive one that is good
 * for longer is activated instead. Returns how many were renewed.
 */
export async function maintainSystemCertificates(deps: CertificateMaintenance): Promise<number> {
  const ending = await deps.store.read.systemCertificates.endingBefore(deps.context.now() + renewedBeforeMs)
  let renewed = 0
  for (const certificate of ending) if (await renew(certificate, deps)) renewed++
  return renewed
}

async function renew(ending: EndingSystemCertificate, deps: CertificateMaintenance): Promise<boolean> {
  const { store, context, tenants } = deps
  const system = await store.read.systems.byId(ending.systemId)
  const tenant = tenants.all().find(({ id }) => id === ending.tenantId)
  if (!system || !tenant || system.properties['ips.certificate.automatic.regeneration'] !== 'true')
    return false
  const made = await newCertificate(tenant, system, deps)
  if (isProblem(made)) {
    context.log.error({ system: system.name, reason: made.reason }, 'a certificate cannot be renewed')
    return false
  }
  const now = context.now()
  const renewed = await store.write(async tables => {
    const held = await tables.systemCertificates.list(system.id)
    const active = held.find(one => one.active)
    // Somebody else was faster.
    if (active?.id !== ending.id) return undefined
    const others = held.filter(one => one !== active)
    const ready = others.find(one => one.notAfter > now + renewedBeforeMs)
    await tables.systemCertificates.setActive(active, false)
    if (ready) {
      await tables.systemCertificates.setActive(ready, true)
      return ready
    }
    for (const one of others.slice(0, others.length + 2 - mostCertificates))
      await removeCertificate(one, now, tables)
    await tables.issued.insert(made.record)
    await tables.systemCertificates.insert({ ...made.certificate, active: true })
    return made.certificate
  })
  if (!renewed) return false
  context.log.warn(
    {
      tenant: tenant.name,
      system: system.name,
      fingerprint: renewed.fingerprint,
      notification: `Outbound Certificate Renewed. ${system.type} System: ${system.name}`,
    },
    'the certificate of a system was renewed; a system that goes by fingerprints has to be given the new one',
  )
  return true
}
