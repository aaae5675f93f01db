import type { PresentedCertificate } from '../../guard/presented-certificate.ts'
import { iso } from '../context.ts'
import { Problem } from '../problem.ts'
import type { Tenant } from '../tenant.ts'
import type { Verdict } from '../trust/index.ts'
import type { RegisteredCertificate } from './certificates.ts'
import { type Client, outOfUse, subjectOf } from './client.ts'
import type { Origin } from './method.ts'

/** Why a certificate is not let in, for the operator; outside all of them look the same. */
export interface Refusal {
  readonly reason: string
  readonly hint?: string
}

export function refuse(
  { reason, hint }: Refusal,
  client: Client | undefined,
  clientId: string | undefined,
): Problem {
  return new Problem('invalid_client', 'client authentication failed', {
    check: 'client certificate',
    reason,
    ...(hint && { hint }),
    ...(client ? { subject: subjectOf(client) } : clientId && { subject: { clientId } }),
  })
}

export function nobodyHolds(verdict: Verdict): Refusal {
  const nobody = 'no service key of the tenant holds this certificate'
  if (verdict.ok)
    return {
      reason: `${nobody}; it is of a trusted authority`,
      hint: 'Register it: countersign key create INSTANCE NAME --type certificate_external --certificate FILE; a deleted key does not come back.',
    }
  return { reason: `${nobody}; and ${verdict.reason}`, hint: verdict.hint }
}

/** Why the client that a certificate stands for is not let in by it; undefined: it is. */
export function whyNot(
  client: Client,
  { thumbprint }: PresentedCertificate,
  verdict: Verdict,
  { tenant }: Origin,
  now: number,
): Refusal | undefined {
  const expired = outOfUse(client, now)
  if (expired) return { reason: expired, hint: newKey(client) }
  const held = client.certificates.find(one => one.thumbprint === thumbprint)
  const ended = held && whyEnded(held, client, now)
  if (ended) return ended
  const untrusted = whyUntrusted(verdict, held, tenant, now)
  return untrusted && { reason: untrusted.reason, hint: untrusted.hint ?? newKey(client) }
}

/**
 * Why nobody vouches for a certificate; `held`: as the key has it that holds the very certificate, for then it may be
 * self-signed where the tenant allows that (RFC 8705 section 2.2).
 */
export function whyUntrusted(
  verdict: Verdict,
  held: Pick<RegisteredCertificate, 'notBefore' | 'notAfter'> | undefined,
  tenant: Pick<Tenant, 'selfSigned'>,
  now: number,
): Refusal | undefined {
  if (verdict.ok) return undefined
  if (!held || !verdict.selfSigned) return { reason: verdict.reason, hint: verdict.hint }
  if (!tenant.selfSigned)
    return {
      reason: 'the certificate is self-signed, and the tenant allows none',
      hint: 'Allow them: countersign tenant update NAME --allow-self-signed; or use a certificate of an authority.',
    }
  if (now < held.notBefore || now > held.notAfter)
    return { reason: `the certificate is valid from ${iso(held.notBefore)} to ${iso(held.notAfter)} only` }
  return undefined
}

/** Why a certificate of the client is not accepted any more though its dates would allow it; undefined: it is, or is not its own. */
export function endOfCertificate(client: Client, thumbprint: string, now: number): string | undefined {
  const held = client.certificates.find(one => one.thumbprint === thumbprint)
  return held && whyEnded(held, client, now)?.reason
}

/** Why a certificate that a key holds does not count any more, whatever its dates say. */
export function whyEnded(held: RegisteredCertificate, client: Client, now: number): Refusal | undefined {
  if (held.ended === 'revoked')
    return { reason: `the certificate was revoked on ${iso(held.endedAt!)}`, hint: newKey(client) }
  if (held.ended === 'superseded')
    return {
      reason: `a later certificate of the same names was used on ${iso(held.endedAt!)}; since then this one is refused`,
      hint: `Let the sender use its newest certificate; key ${client.keyName} is not pinned.`,
    }
  if (held.acceptedUntil !== undefined && held.acceptedUntil <= now)
    return {
      reason: `the certificate was renewed, and accepted beside its successor until ${iso(held.acceptedUntil)}`,
      hint: 'Let the sender use the new certificate.',
    }
  return undefined
}

const newKey = (client: Client): string =>
  `Make a successor: countersign key rotate ${client.instanceName} ${client.keyName}`
