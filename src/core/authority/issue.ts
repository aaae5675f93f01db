import { createPublicKey, type KeyObject } from 'node:crypto'
import type { Certificate } from '../../crypto/certificate.ts'
import { type Csr, proofProblem, readCsr } from '../../crypto/csr.ts'
import { DerError } from '../../crypto/der.ts'
import { type KeyLength, newPrivateKey } from '../../crypto/key-pair.ts'
import { keyWeakness } from '../../crypto/key-quality.ts'
import { formatName, type NameInput } from '../../crypto/names.ts'
import { encodePem, PemError } from '../../crypto/pem.ts'
import { certificateThumbprint } from '../../crypto/thumbprint.ts'
import { isProblem, Problem } from '../problem.ts'
import type { Tenant } from '../tenant.ts'
import { type AuthorityDirectory, chainAbove, issuerOf, rootOf } from './directory.ts'
import { issuerFor, type Making } from './make.ts'
import { issueFrom } from './profiles.ts'
import type { IssuedCertificate } from './store.ts'

/** What a sender's certificate is to be; the names come from policy, never from a signing request. */
export interface SenderCertificate {
  readonly credentialId: string
  readonly clientId: string
  readonly instanceName: string
  /** 1 to 365. */
  readonly days: number
  /** Who signs: the active issuing certificate, or the one that is to follow it. */
  readonly authority: 'active' | 'next'
}

/** What the certificate of a system is to be. */
export interface SystemCertificate {
  readonly systemId: string
  /** Up to 64 characters. */
  readonly systemName: string
  /** 1 to 365. */
  readonly days: number
}

/** Whose key is certified: a new one, handed out once, or the sender's own. */
export type KeySource = { readonly length: KeyLength } | { readonly csr: string }

export interface Issuing extends Making {
  readonly authorities: AuthorityDirectory
}

export interface IssuedToSender {
  readonly certificate: Certificate
  readonly record: IssuedCertificate
  /** From the leaf to the root: DER, and PEM. */
  readonly chain: readonly Buffer[]
  readonly chainPem: string
  /** undefined: the sender has it. */
  readonly privateKey: KeyObject | undefined
}

/** Issues a certificate to a sender. The caller stores the record; until then nobody knows of it. */
export function issueToSender(
  tenant: Tenant,
  { credentialId, clientId, instanceName, days, authority }: SenderCertificate,
  source: KeySource,
  issuing: Issuing,
): Promise<IssuedToSender | Problem> {
  const name = commonName(clientId)
  return issue(
    tenant,
    {
      credentialId,
      subject: [
        { type: 'O', value: tenant.name },
        { type: 'OU', value: instanceName },
        { type: 'CN', value: name },
      ],
      uris: [`urn:uuid:${name.slice('sb-'.length)}`],
      days,
      authority,
    },
    source,
    issuing,
  )
}

/** Issues a certificate that Countersign itself shows to a system that it provisions. Each has the same names. */
export function issueToSystem(
  tenant: Tenant,
  { systemId, systemName, days }: SystemCertificate,
  issuing: Issuing,
): Promise<IssuedToSender | Problem> {
  const subject = [
    { type: 'O', value: tenant.name },
    { type: 'OU', value: 'provisioning' },
    { type: 'CN', value: systemName },
  ] as const
  return issue(
    tenant,
    { credentialId: systemId, subject, uris: [], days, authority: 'active' },
    { length: 2048 },
    issuing,
  )
}

interface Order {
  readonly credentialId: string
  readonly subject: readonly NameInput[]
  readonly uris: readonly string[]
  readonly days: number
  readonly authority: 'active' | 'next'
}

async function issue(
  tenant: Tenant,
  { credentialId, subject, uris, days, authority: which }: Order,
  source: KeySource,
  issuing: Issuing,
): Promise<IssuedToSender | Problem> {
  const csr = 'csr' in source ? acceptCsr(source.csr) : undefined
  if (isProblem(csr)) return csr
  const authority = await issuing.authorities.of(tenant.id)
  const issuer = issuerOf(authority, issuing.context.now(), which)
  if (!issuer)
    return new Problem('conflict', `tenant ${tenant.name} has no authority that can issue`, {
      hint: 'See `countersign authority list`; `countersign authority roll-over` makes a new one.',
    })
  const privateKey = 'length' in source ? await newPrivateKey(source.length) : undefined
  const certificate = issueFrom(
    'sender',
    {
      subject,
      ...(uris.length > 0 && { uris }),
      publicKey: csr?.publicKey ?? createPublicKey(privateKey!),
      days,
    },
    { ...issuerFor(tenant, issuer, issuing), trustedUntil: rootOf(authority, issuer)?.retireAt },
    issuing.context,
  )
  const chain = [certificate, ...[issuer, ...chainAbove(authority, issuer)].map(member => member.certificate)]
  return {
    certificate,
    privateKey,
    chain: chain.map(({ raw }) => raw),
    chainPem: chain.map(({ raw }) => encodePem('CERTIFICATE', raw)).join(''),
    record: {
      tenantId: tenant.id,
      authorityId: issuer.id,
      serial: serialHex(certificate),
      thumbprint: certificateThumbprint(certificate.raw),
      credentialId,
      subject: formatName(certificate.subject),
      notBefore: certificate.notBefore,
      notAfter: certificate.notAfter,
      createdAt: issuing.context.now(),
      revokedAt: undefined,
      reason: undefined,
    },
  }
}

/** `sb-<uuid>`: what of a client id fits the 64 characters of a common name. */
const commonName = (clientId: string): string => clientId.split('!')[0]!.slice(0, 64)

export const serialHex = ({ serial }: Pick<Certificate, 'serial'>): string =>
  serial.toString(16).padStart(2, '0')

/** Proof of possession and quality of the key; nothing else of the request counts (checklist 45). */
function acceptCsr(text: string): Csr | Problem {
  const refuse = (reason: string) =>
    new Problem('invalid_input', `the signing request is not accepted: ${reason}`)
  try {
    const csr = readCsr(text)
    const wrong = proofProblem(csr) ?? keyWeakness(csr.publicKey)
    return wrong === undefined ? csr : refuse(wrong)
  } catch (error) {
    if (error instanceof DerError || error instanceof PemError) return refuse(error.message)
    throw error
  }
}
