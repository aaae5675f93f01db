import type { PresentedCertificate } from '../../guard/presented-certificate.ts'
import { Problem } from '../problem.ts'
import { useOf } from './assertion/key.ts'
import { matchingClient } from './certificate-match.ts'
import { nobodyHolds, refuse, whyNot } from './certificate-refusal.ts'
import type { Client } from './client.ts'
import type { ClientAuthentication, Origin } from './method.ts'
import { adopt } from './successor.ts'

/** A certificate as the credential of a client (RFC 8705 section 2). */
export interface CertificateClaim {
  readonly certificate: PresentedCertificate
  /** The parameter of this name: it may be left out where the certificate names one key. */
  readonly clientId: string | undefined
}

/**
 * Finds the client that a certificate stands for, on every request: the key that holds the very certificate, else
 * one that names an authority and a name in it. A path to a trusted root is needed, except where the certificate is
 * self-signed, held by a key, and the tenant allows that.
 */
export async function authenticateCertificate(
  { certificate, clientId }: CertificateClaim,
  origin: Origin,
  deps: ClientAuthentication,
): Promise<Client | Problem> {
  const { tenant } = origin
  const known = deps.directory.byCertificate(tenant.id, certificate.thumbprint)
  const holder = (known instanceof Promise ? await known : known) ?? undefined
  const evaluated = deps.trust.evaluate(tenant.id, certificate)
  const verdict = evaluated instanceof Promise ? await evaluated : evaluated
  const found = holder
    ? { client: holder, isSuccessor: false }
    : verdict.ok
      ? await matchingClient(verdict, tenant.id, deps)
      : undefined
  if (found instanceof Problem) return found
  if (!found) return refuse(nobodyHolds(verdict), undefined, clientId)
  const { client, isSuccessor } = found
  const refused =
    whyNot(client, certificate, verdict, origin, deps.context.now()) ??
    (clientId === undefined || clientId === client.clientId
      ? undefined
      : { reason: `client_id is not that of the key ${client.keyName}, which holds the certificate` })
  if (refused) return refuse(refused, client, clientId)
  if (!origin.dryRun) deps.used(useOf(client.credentialId, certificate.thumbprint), deps.context.now())
  return isSuccessor && verdict.ok ? adopt(verdict, certificate, client, origin, deps) : client
}

/** Whose certificate it is, by itself or by a name in it, good or not; a Problem: that cannot be told. */
export async function holderOf(
  certificate: PresentedCertificate,
  { tenant }: Origin,
  deps: ClientAuthentication,
): Promise<Client | Problem | undefined> {
  const holder = await deps.directory.byCertificate(tenant.id, certificate.thumbprint)
  if (holder) return holder
  const verdict = await deps.trust.evaluate(tenant.id, certificate)
  const found = verdict.ok ? await matchingClient(verdict, tenant.id, deps) : undefined
  return found instanceof Problem ? found : found?.client
}
