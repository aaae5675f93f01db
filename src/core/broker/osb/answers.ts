import type { KeyCertificateTable } from '../../clients/index.ts'
import { day, iso, minute } from '../../context.ts'
import { Problem } from '../../problem.ts'
import type { Tenant } from '../../tenant.ts'
import type { ServiceKeyDocument } from '../keys.ts'
import type { ServiceKey, ServiceKeyTable } from '../store.ts'
import type { Platforming } from './instances.ts'
import type { PlatformBinding, PlatformTable } from './store.ts'

type Tables = { platforms: PlatformTable; keys: ServiceKeyTable; keyCertificates: KeyCertificateTable }

/** For so long the same request gets the same answer (design 3.11). */
const answerKeptMs = 10 * minute

/** The answer of the specification (section Binding). */
export interface BindingAnswer {
  readonly metadata?: { readonly expires_at: string; readonly renew_before: string }
  readonly credentials: { readonly oauth: ServiceKeyDocument }
  readonly endpoints: readonly { readonly host: string; readonly ports: readonly string[] }[]
}

/** A binding that is there, and whether the request has made it. */
export interface Bound {
  readonly answer: BindingAnswer
  readonly created: boolean
  /** For the operator. */
  readonly warnings: readonly string[]
}

/** At most that long before the end a successor is asked for. */
const longestNotice = 30 * day

/** What a platform is told of a key that was just made. */
export function answerOf(document: ServiceKeyDocument, now: number): BindingAnswer {
  const { validuntil } = (document.certificatedetails ?? {}) as { validuntil?: string }
  const end = validuntil === undefined ? undefined : Date.parse(validuntil)
  return {
    ...(end !== undefined && {
      metadata: { expires_at: iso(end), renew_before: iso(end - Math.min(longestNotice, (end - now) / 3)) },
    }),
    credentials: { oauth: document },
    endpoints: endpointsOf([document.tokenurl, document.url]),
  }
}

function endpointsOf(urls: readonly string[]): BindingAnswer['endpoints'] {
  const parsed = urls.map(url => new URL(url))
  const places = new Map(parsed.map(url => [url.host, url]))
  return [...places.values()].map(({ hostname, port }) => ({ host: hostname, ports: [port || '443'] }))
}

const answerContext = ({ id }: Tenant, credentialId: string): string =>
  `countersign osb answer ${id} ${credentialId}`

/** Keeps the answer for those who ask again. */
export async function keepAnswer(
  credentialId: string,
  answer: BindingAnswer,
  tenant: Tenant,
  { platforms }: Pick<Tables, 'platforms'>,
  { vault, context }: Pick<Platforming, 'vault' | 'context'>,
): Promise<void> {
  const sealed = vault.seal(answerContext(tenant, credentialId), Buffer.from(JSON.stringify(answer)))
  await platforms.keepAnswer({ credentialId, sealed, keepUntil: context.now() + answerKeptMs })
}

/** The answer to a request for a binding that is there. */
export async function repeat(
  known: PlatformBinding,
  requestDigest: string,
  tenant: Tenant,
  { platforms, keys, keyCertificates }: Tables,
  { context, vault }: Platforming,
): Promise<Bound | Problem> {
  if (known.requestDigest !== requestDigest)
    return new Problem('conflict', 'a service binding with this id exists already, with other parameters')
  const kept = await platforms.answer(known.credentialId)
  const key = await keys.byId(known.credentialId)
  if (!kept || !key || kept.keepUntil <= context.now() || (await isSucceeded(key, keyCertificates)))
    return new Problem(
      'conflict',
      'the service binding exists already, and its credentials are told for ten minutes only: for others, rotate it (a new binding with predecessor_binding_id), or delete it and bind again',
    )
  const plain = vault.open(answerContext(tenant, known.credentialId), kept.sealed)
  return { answer: JSON.parse(plain.toString()) as BindingAnswer, created: false, warnings: [] }
}

/** Has somebody rotated the key, so that what was answered is not what counts any more? */
async function isSucceeded(key: ServiceKey, certificates: KeyCertificateTable): Promise<boolean> {
  if (key.previousSecretUntil !== undefined) return true
  const held = await certificates.list(key.id)
  return held.some(({ acceptedUntil, ended }) => acceptedUntil !== undefined || ended !== undefined)
}

/** Forgets the answers whose time is over; asks first, so that nothing is written when there are none. */
export async function forgetAnswers({
  store,
  context,
}: Pick<Platforming, 'store' | 'context'>): Promise<void> {
  const now = context.now()
  if (!(await store.read.platforms.hasAnswersUntil(now))) return
  await store.write(({ platforms }) => platforms.deleteAnswersUntil(now))
}
