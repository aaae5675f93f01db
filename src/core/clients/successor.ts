import type { PresentedCertificate } from '../../guard/presented-certificate.ts'
import { iso } from '../context.ts'
import type { Problem } from '../problem.ts'
import type { TrustedPath } from '../trust/index.ts'
import { type Refusal, refuse, whyEnded } from './certificate-refusal.ts'
import { forgetOldest, namesDigest, type RegisteredCertificate } from './certificates.ts'
import type { Client } from './client.ts'
import type { ClientAuthentication, Origin } from './method.ts'

/**
 * The successor of an unpinned certificate: same names, same issuer by its key, and issued later. Its first use is
 * committed before it is answered; from then on the older ones are refused. Of equal dates, the first seen wins.
 */
export async function adopt(
  { leaf }: TrustedPath,
  { thumbprint }: PresentedCertificate,
  client: Client,
  { dryRun }: Origin,
  { store, directory, context }: ClientAuthentication,
): Promise<Client | Problem> {
  const now = context.now()
  const { tenantId, credentialId, clientId } = client
  const early = notLater(leaf.notBefore, client.certificates, client)
  if (early) return refuse(early, client, undefined)
  if (dryRun) return client
  const names = namesDigest(leaf)
  const refused = await store.write(async ({ keyCertificates }) => {
    const held = await keyCertificates.list(credentialId)
    // Asked again inside: others may have been quicker, with this one or another.
    const same = held.find(one => one.thumbprint === thumbprint)
    const why = same
      ? whyEnded(same, client, now)
      : whyNoSuccessor(leaf, client, { held, predecessors: held.filter(one => one.names === names) }, now)
    if (why) return refuse(why, client, undefined)
    if (same) return undefined
    for (const one of held) if (!one.ended) await keyCertificates.end(one, 'superseded', now, clientId)
    await forgetOldest(held, now, clientId, keyCertificates)
    await keyCertificates.insert(
      {
        tenantId,
        credentialId,
        thumbprint,
        der: leaf.raw,
        names,
        notBefore: leaf.notBefore,
        notAfter: leaf.notAfter,
        acceptedUntil: undefined,
        ended: undefined,
        endedAt: undefined,
        createdAt: now,
      },
      clientId,
    )
    return undefined
  })
  if (refused) return refused
  context.log.info({ clientId, thumbprint }, 'a later certificate succeeds that of an unpinned key')
  return (await directory.byCredentialId(credentialId)) ?? refuse(nobodyHoldsAnyMore, client, undefined)
}

const nobodyHoldsAnyMore: Refusal = { reason: 'the key was deleted' }

function whyNoSuccessor(
  { notBefore }: TrustedPath['leaf'],
  client: Client,
  {
    held,
    predecessors,
  }: { held: readonly RegisteredCertificate[]; predecessors: readonly RegisteredCertificate[] },
  now: number,
): Refusal | undefined {
  // What a rotation put aside is accepted for the overlap, and has no successors of its own.
  const succeeded = predecessors.find(one => !one.ended && one.acceptedUntil === undefined)
  if (succeeded) return notLater(notBefore, held, client)
  const last = predecessors.at(-1)
  if (!last) return nobodyHoldsAnyMore
  return (
    whyEnded(last, client, now) ?? {
      reason: `key ${client.keyName} was rotated to a certificate of other names; those before are accepted until ${iso(last.acceptedUntil!)}, and not renewed`,
      hint: 'Let the sender use the certificate that the key was rotated to.',
    }
  )
}

function notLater(
  given: number,
  held: readonly Pick<RegisteredCertificate, 'notBefore'>[],
  client: Client,
): Refusal | undefined {
  const newest = Math.max(...held.map(({ notBefore }) => notBefore))
  if (given > newest) return undefined
  return {
    reason: `key ${client.keyName} is not pinned, but this certificate was issued ${given === newest ? 'at the same time as' : 'before'} the one in use (${iso(given)}, ${iso(newest)})`,
    hint: 'Of certificates issued at the same time the first that was used counts; let the sender use its newest certificate.',
  }
}
