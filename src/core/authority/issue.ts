import { createPublicKey, type KeyObject } from 'node:crypto'
import type { Certificate } from '../../crypto/certificate.ts'
import { type Csr, proofProblem, readCsr } from '../../crypto/csr.ts'
import { DerError } from '../../crypto/der.ts'
import { type KeyLength, newPrivateKey } from '../../crypto/key-pair.ts'
import { keyWeakness } from '../../crypto/key-quality.ts'
import { formatName } from '../../crypto/names.ts'
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

/** Whose key is certified: a new one, handed out once, or the sender's own. */
export type KeySource = { readonly length: KeyLength } | { readonly csr: string }

export interface Issuing extends Making {
  readonly authorities: AuthorityDirectory
}

export interface IssuedToSender {
  readonly certificate: Certificate
  readonly record: IssuedCertificate
  /** From the leaf to the root. */
  readonly chainPem: string
  /** undefined: the sender has it. */
  readonly privateKey: KeyObject | undefined
}

/** Issues a certificate to a sender. The caller stores the record; until then nobody knows of it. */
export async function issueToSender(
  tenant: Tenant,
  wanted: SenderCertificate,
  source: KeySource,
  issuing: Issuing,
): Promise<IssuedToSender | Problem> {
  const csr = 'csr' in source ? acceptCsr(source.csr) : undefined
  if (isProblem(csr)) return csr
  const authority = await issuing.authorities.of(tenant.id)
  const issuer = issuerOf(authority, issuing.context.now(), wanted.authority)
  if (!issuer)
    return new Problem('conflict', `tenant ${tenant.name} has no authority that can issue`, {
      hint: 'See `countersign authority list`; `countersign authority roll-over` makes a new one.',
    })
  const privateKey = 'length' in source ? await newPrivateKey(source.length) : undefined
  const certificate = issueFrom(
    'sender',
    {
      subject: [
        { type: 'O', value: tenant.name },
        { type: 'OU', value: wanted.instanceName },
        { type: 'CN', value: commonName(wanted.clientId) },
      ],
      uris: [`urn:uuid:${commonName(wanted.clientId).slice('sb-'.length)}`],
      publicKey: csr?.publicKey ?? createPublicKey(privateKey!),
      days: wanted.days,
    },
    { ...issuerFor(tenant, issuer, issuing), trustedUntil: rootOf(authority, issuer)?.retireAt },
    issuing.context,
  )
  const chain = [certificate, ...[issuer, ...chainAbove(authority, issuer)].map(member => member.certificate)]
  return {
    certificate,
    privateKey,
    chainPem: chain.map(({ raw }) => encodePem('CERTIFICATE', raw)).join(''),
    record: {
      tenantId: tenant.id,
      authorityId: issuer.id,
      serial: serialHex(certificate),
      thumbprint: certificateThumbprint(certificate.raw),
      credentialId: wanted.credentialId,
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
