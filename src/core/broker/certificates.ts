import { parseCertificate } from '../../crypto/certificate.ts'
import { formatName } from '../../crypto/names.ts'
import { serialHex } from '../authority/index.ts'
import { type KeyCertificate, type KeyCertificateTable, whyUntrusted } from '../clients/index.ts'
import { type Context, iso, second } from '../context.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import type { Trust, Verdict } from '../trust/index.ts'
import type { ServiceKey } from './store.ts'

/**
 * `overlap`: has a successor, and is accepted beside it. `superseded`: was accepted until its successor took over.
 * `untrusted`: would be accepted if somebody vouched for it now, with what is known.
 */
export type KeyCertificateState = 'active' | 'overlap' | 'superseded' | 'revoked' | 'expired' | 'untrusted'

/** A certificate of a key as people see it. */
export interface KeyCertificateInfo {
  readonly thumbprint: string
  /** Hexadecimal. */
  readonly serial: string
  readonly subject: string
  readonly issuer: string
  readonly notBefore: number
  readonly notAfter: number
  readonly acceptedUntil: number | undefined
  readonly state: KeyCertificateState
  readonly reason: string | undefined
}

export interface CertificateListing {
  readonly store: Transactions<{ keyCertificates: KeyCertificateTable }>
  readonly trust: Trust
  readonly context: Pick<Context, 'now'>
}

/** So many paths are validated before others have their turn. */
const atOnce = 20
/** For all of them together. */
const longestWaitMs = 3 * second

/** The certificates of several keys of a tenant, oldest first, by the id of the credential. */
export async function certificatesOfKeys(
  tenant: Tenant,
  keys: readonly Pick<ServiceKey, 'id'>[],
  { store, trust, context }: CertificateListing,
): Promise<Map<string, KeyCertificateInfo[]>> {
  const held = await store.read.keyCertificates.listOf(keys.map(({ id }) => id))
  const late = context.now() + longestWaitMs
  const found = new Map<string, KeyCertificateInfo[]>()
  for (const [i, one] of held.entries()) {
    if (i % atOnce === atOnce - 1) await new Promise(setImmediate)
    const standing = await standingOf(one)
    const { thumbprint, der, notBefore, notAfter, acceptedUntil } = one
    const { subject, issuer, serial } = parseCertificate(der)
    const info = {
      thumbprint,
      serial: serialHex({ serial }),
      subject: formatName(subject),
      issuer: formatName(issuer),
      notBefore,
      notAfter,
      acceptedUntil,
      ...standing,
    }
    const ofKey = found.get(one.credentialId)
    if (ofKey) ofKey.push(info)
    else found.set(one.credentialId, [info])
  }
  return found

  async function standingOf(one: KeyCertificate): Promise<Pick<KeyCertificateInfo, 'state' | 'reason'>> {
    const now = context.now()
    if (one.ended) return { state: one.ended, reason: `${one.ended} on ${iso(one.endedAt!)}` }
    if (one.notAfter < now) return { state: 'expired', reason: undefined }
    if (one.acceptedUntil !== undefined && one.acceptedUntil <= now)
      return { state: 'superseded', reason: `renewed, and accepted until ${iso(one.acceptedUntil)}` }
    const { thumbprint, der } = one
    const verdict = await inTime(trust.evaluate(tenant.id, { thumbprint, der, chain: [] }), late - now)
    const untrusted = verdict && whyUntrusted(verdict, one, tenant, now)
    if (untrusted) return { state: 'untrusted', reason: untrusted.reason }
    return {
      state: one.acceptedUntil === undefined ? 'active' : 'overlap',
      reason: verdict ? undefined : 'its authority did not say in time whether it is revoked',
    }
  }
}

/** A list does not wait for every responder that is down; undefined: not known yet. */
async function inTime(verdict: Verdict | Promise<Verdict>, limitMs: number): Promise<Verdict | undefined> {
  if (!(verdict instanceof Promise)) return verdict
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<undefined>(resolve => {
    timer = setTimeout(() => resolve(undefined), Math.max(limitMs, 0))
  })
  return Promise.race([verdict, limit]).finally(() => clearTimeout(timer))
}

/** When the sender needs another credential: the end of the newest certificate that nothing has succeeded. */
export function endOfKey(
  { expiresAt }: Pick<ServiceKey, 'expiresAt'>,
  certificates: readonly KeyCertificateInfo[],
): number | undefined {
  const newest = certificates.findLast(
    ({ state, acceptedUntil }) =>
      acceptedUntil === undefined && state !== 'superseded' && state !== 'revoked',
  )
  return newest?.notAfter ?? expiresAt
}
