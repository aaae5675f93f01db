import { encodePem } from '../../../crypto/pem.ts'
import { certificateFingerprint } from '../../../crypto/thumbprint.ts'
import { type IssuedCertificateTable, type Issuing, issueToSystem } from '../../authority/index.ts'
import { newId } from '../../context.ts'
import { type ExpiryStateName, expiryStateOf } from '../../expiry.ts'
import { type CertificateInfo, inspectCertificate } from '../../keystore/index.ts'
import { isProblem, Problem } from '../../problem.ts'
import { printable } from '../../schema.ts'
import type { Transactions } from '../../store.ts'
import type { Tenant } from '../../tenant.ts'
import type { ProvisioningTables, StoredSystem, SystemCertificate } from '../store.ts'
import { findSystem, type SystemManagement } from '../systems/manage.ts'
import { sealSystemKey } from './key.ts'

export type CertificateTables = ProvisioningTables & { readonly issued: IssuedCertificateTable }

export interface CertificateManagement extends Issuing, Pick<SystemManagement, 'vault'> {
  readonly store: Transactions<CertificateTables>
  readonly context: SystemManagement['context']
}

/** The described number: one in use, and its successor. */
export const mostCertificates = 2
const days = 365

/** A certificate of a system as people see it; they are told apart by their fingerprints alone. */
export interface SystemCertificateInfo extends CertificateInfo {
  readonly active: boolean
  /** How near its end is. */
  readonly state: 'valid' | ExpiryStateName
}

/** Makes a certificate with a new key: the first is active, the second waits until it is activated. */
export async function generateCertificate(
  tenant: Tenant,
  name: string,
  deps: CertificateManagement,
): Promise<SystemCertificateInfo | Problem> {
  const system = await findSystem(tenant, name, deps.store.read)
  if (isProblem(system)) return system
  const held = await deps.store.read.systemCertificates.list(system.id)
  if (held.length >= mostCertificates) return twoAlready(system)
  const made = await newCertificate(tenant, system, deps)
  if (isProblem(made)) return made
  return deps.store.write(async tables => {
    const current = await tables.systemCertificates.list(system.id)
    if (current.length >= mostCertificates) return twoAlready(system)
    const certificate = { ...made.certificate, active: !current.some(one => one.active) }
    await tables.issued.insert(made.record)
    await tables.systemCertificates.insert(certificate)
    return inspectSystemCertificate(certificate, deps.context.now())
  })
}

/** Not stored yet, and not active. */
export async function newCertificate(tenant: Tenant, system: StoredSystem, deps: CertificateManagement) {
  const issued = await issueToSystem(tenant, { systemId: system.id, systemName: system.name, days }, deps)
  if (isProblem(issued)) return issued
  const owner = { id: newId(deps.context), tenantId: tenant.id, systemId: system.id }
  const certificate: SystemCertificate = {
    ...owner,
    fingerprint: certificateFingerprint(issued.certificate.raw),
    chain: issued.chain,
    sealedKey: sealSystemKey(issued.privateKey!, owner, deps.vault),
    notAfter: issued.certificate.notAfter,
    active: false,
    createdAt: deps.context.now(),
  }
  return { certificate, record: issued.record }
}

export async function listCertificates(
  tenant: Tenant,
  name: string,
  { store, context }: Pick<CertificateManagement, 'store' | 'context'>,
): Promise<SystemCertificateInfo[] | Problem> {
  const system = await findSystem(tenant, name, store.read)
  if (isProblem(system)) return system
  return (await store.read.systemCertificates.list(system.id)).map(one =>
    inspectSystemCertificate(one, context.now()),
  )
}

/** PEM of the certificate and of those above it: what is uploaded at the other side. `fingerprint`: default the newest. */
export async function downloadCertificate(
  tenant: Tenant,
  name: string,
  fingerprint: string | undefined,
  { store }: Pick<CertificateManagement, 'store'>,
): Promise<{ readonly fingerprint: string; readonly pem: string; readonly chain: string } | Problem> {
  const system = await findSystem(tenant, name, store.read)
  if (isProblem(system)) return system
  const held = await store.read.systemCertificates.list(system.id)
  const newest = held.at(-1)
  if (!newest) return none(system)
  const found = fingerprint === undefined ? newest : oneOf(held, fingerprint, system)
  if (isProblem(found)) return found
  return {
    fingerprint: found.fingerprint,
    pem: encodePem('CERTIFICATE', found.chain[0]!),
    chain: found.chain.map(der => encodePem('CERTIFICATE', der)).join(''),
  }
}

/** From the next call on the system is shown this one; the other becomes inactive. */
export async function activateCertificate(
  tenant: Tenant,
  name: string,
  fingerprint: string,
  { store, context }: Pick<CertificateManagement, 'store' | 'context'>,
): Promise<SystemCertificateInfo | Problem> {
  return store.write(async tables => {
    const system = await findSystem(tenant, name, tables)
    if (isProblem(system)) return system
    const held = await tables.systemCertificates.list(system.id)
    const wanted = oneOf(held, fingerprint, system)
    if (isProblem(wanted)) return wanted
    if (wanted.notAfter <= context.now())
      return new Problem('conflict', 'this certificate has ended, and an ended one cannot be activated', {
        hint: `Make another: countersign provisioning certificate generate ${system.name}`,
      })
    for (const one of held)
      if (one.active && one !== wanted) await tables.systemCertificates.setActive(one, false)
    await tables.systemCertificates.setActive(wanted, true)
    return inspectSystemCertificate({ ...wanted, active: true }, context.now())
  })
}

/** Deletes an inactive one, and revokes it: its key is gone. */
export async function deleteCertificate(
  tenant: Tenant,
  name: string,
  fingerprint: string,
  { store, context }: Pick<CertificateManagement, 'store' | 'context'>,
): Promise<StoredSystem | Problem> {
  return store.write(async tables => {
    const system = await findSystem(tenant, name, tables)
    if (isProblem(system)) return system
    const held = await tables.systemCertificates.list(system.id)
    const found = oneOf(held, fingerprint, system)
    if (isProblem(found)) return found
    if (found.active)
      return new Problem('conflict', 'this certificate is active, and the active one cannot be deleted', {
        hint: 'Activate the other one first, once the other side knows it.',
      })
    await removeCertificate(found, context.now(), tables)
    return system
  })
}

/** Inside a transaction. */
export async function removeCertificate(
  certificate: SystemCertificate,
  now: number,
  { systemCertificates, issued }: CertificateTables,
): Promise<void> {
  const record = (await issued.ofCredential(certificate.systemId)).find(
    one => Buffer.from(one.thumbprint, 'base64url').toString('hex') === certificate.fingerprint,
  )
  if (record && record.revokedAt === undefined && record.notAfter > now)
    await issued.revoke(record, 'cessationOfOperation', now)
  await systemCertificates.delete(certificate)
}

function oneOf(
  held: readonly SystemCertificate[],
  fingerprint: string,
  system: StoredSystem,
): SystemCertificate | Problem {
  const wanted = fingerprint.replace(/[\s:]/g, '').toLowerCase()
  const found = wanted === '' ? [] : held.filter(one => one.fingerprint.startsWith(wanted))
  if (found.length === 1) return found[0]!
  return new Problem(
    'not_found',
    `system ${system.name} has no one certificate of fingerprint ${printable(fingerprint)}`,
    { hint: `See \`countersign provisioning certificate list ${system.name}\`.` },
  )
}

const none = ({ name }: StoredSystem) =>
  new Problem('not_found', `system ${name} has no certificate`, {
    hint: `Make one: countersign provisioning certificate generate ${name}`,
  })

const twoAlready = ({ name }: StoredSystem) =>
  new Problem('limit_reached', `system ${name} has two certificates, which is as many as it can have`, {
    hint: `Delete the inactive one first: countersign provisioning certificate delete ${name} FINGERPRINT`,
  })

function inspectSystemCertificate({ active, chain }: SystemCertificate, now: number): SystemCertificateInfo {
  const info = inspectCertificate(chain[0]!)
  return { ...info, active, state: expiryStateOf(info.notAfter, now) ?? 'valid' }
}
