import { parseCertificate } from '../../crypto/certificate.ts'
import { type KeyLength, keyLengths } from '../../crypto/key-pair.ts'
import { importSpki } from '../../crypto/spki.ts'
import { day } from '../context.ts'
import { isProblem, Problem } from '../problem.ts'
import type { Tenant } from '../tenant.ts'
import type { CredentialParameters, CredentialTables } from './credentials/credential.ts'
import { credentialKinds } from './credentials/index.ts'
import { type KeyParameters, readKeyRequest } from './credentials/parameters.ts'
import { documentOf, findKey, type KeyBrokering, type MadeKey, noKey } from './keys.ts'
import type { Instance, ServiceKey } from './store.ts'

/**
 * Makes another credential for a key, which keeps its name and its client id. The one before is accepted for
 * `overlapDays` (default: as the instance says), so that the sender can change over in its own time.
 */
export async function rotateKey(
  tenant: Tenant,
  instanceName: string,
  name: string,
  { overlapDays, parameters }: { overlapDays?: number | undefined; parameters: KeyParameters },
  deps: KeyBrokering,
): Promise<MadeKey | Problem> {
  const found = await findKey(tenant, instanceName, name, deps)
  if (isProblem(found)) return found
  return succeedCredential(tenant, found, parameters, { overlapDays }, deps)
}

/** On whose word a credential gets a successor, and how it is accepted beside that. */
interface Succession {
  /** Days; default: as the instance says. */
  readonly overlapDays?: number | undefined
  /** The certificate that renews itself: those newer than it keep their time. Absent: all before the new one end. */
  readonly renews?: string
  /** Inside the transaction: whether whoever asked may still ask. */
  readonly mayStill?: (tables: CredentialTables, now: number) => Promise<Problem | undefined>
}

/** Makes the successor of a key's credential, and stores it. */
export async function succeedCredential(
  tenant: Tenant,
  { key, instance }: { key: ServiceKey; instance: Instance },
  request: KeyParameters,
  { overlapDays, renews, mayStill }: Succession,
  deps: KeyBrokering,
): Promise<MadeKey | Problem> {
  const { store, context } = deps
  const kind = credentialKinds.find(k => k.type === key.type)!
  const typed = 'key-type' in request || 'credential-type' in request || 'x509' in request
  const asked = readKeyRequest(typed ? request : { ...request, 'key-type': key.type })
  if (isProblem(asked)) return asked
  if (asked.type !== key.type) return staysTheSame('type', key)
  const owner = { tenant, instance, credentialId: key.id, clientId: key.clientId }
  const kept = await keptParameters(key, asked.parameters, deps)
  const made = await kind.make(owner, { ...kept, ...asked.parameters }, deps)
  if (isProblem(made)) return made
  if (made.stored.pinned !== undefined && made.stored.pinned !== key.pinned)
    return staysTheSame('pinning', key)
  const now = context.now()
  const until = now + (overlapDays ?? instance.certificateOverlap) * day
  const refused = await store.write(async tables => {
    const current = await tables.keys.byId(key.id)
    if (!current) return noKey(instance, key.name)
    const stopped = await mayStill?.(tables, now)
    if (stopped) return stopped
    const { validityDays = current.validityDays } = made.stored
    if (validityDays !== undefined && validityDays !== current.validityDays)
      await tables.keys.setValidityDays(current, validityDays)
    return kind.succeed(current, made, { now, until, renews }, tables)
  })
  return refused ?? documentOf(key, made, owner, now, deps)
}

const staysTheSame = (what: string, { name, type, pinned }: ServiceKey): Problem =>
  new Problem(
    'invalid_input',
    `a rotation does not change the ${what} of a key: ${name} is of type ${type}${type === 'certificate_external' ? (pinned ? ', pinned' : ', not pinned') : ''}`,
    { hint: 'Make another key, and delete this one when the sender has changed over.' },
  )

/** What a rotation asks for where nothing else is said: the same again. */
async function keptParameters(
  key: ServiceKey,
  asked: CredentialParameters,
  { store }: KeyBrokering,
): Promise<CredentialParameters> {
  if (key.type === 'certificate_external') return { 'certificate-pinning': key.pinned }
  if (key.type !== 'certificate') return {}
  const newest = (await store.read.keyCertificates.list(key.id)).at(-1)
  const length = newest && asked.csr === undefined ? keyLengthOf(newest.der) : undefined
  return {
    ...(key.validityDays !== undefined && { validity: key.validityDays }),
    ...(length !== undefined && { 'key-length': length }),
  }
}

/** undefined for a key that the sender brought, of a length that we do not make. */
function keyLengthOf(der: Buffer): KeyLength | undefined {
  const { modulusLength, namedCurve } = importSpki(parseCertificate(der).spki.raw).asymmetricKeyDetails ?? {}
  const length = modulusLength ?? { prime256v1: 256, secp384r1: 384 }[namedCurve ?? '']
  return keyLengths.find(one => one === length)
}
