import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type Certificate, parseCertificate } from '../../crypto/certificate.ts'
import { DerError } from '../../crypto/der.ts'
import { parseCertificateExtensions } from '../../crypto/extensions/index.ts'
import { formatName, nameEquals } from '../../crypto/names.ts'
import { anchorOf, validatePath } from '../../crypto/path/index.ts'
import { PemError, readCertificateInput } from '../../crypto/pem.ts'
import { spkiOf } from '../../crypto/spki.ts'
import type { Context } from '../context.ts'
import { Problem } from '../problem.ts'
import { issueFrom } from './profiles.ts'

/** An authority that others made: who issues first, the root last. */
export interface ReadAuthority {
  readonly chain: readonly Certificate[]
  readonly privateKey: KeyObject
}

/**
 * Reads an authority that somebody gave: an intermediate with its key, and the certificates above it up to the root
 * (PEM). It is accepted when what it would issue to a sender is good for authenticating the sender.
 */
export function readAuthority(
  pem: string,
  keyPem: string,
  context: Pick<Context, 'now' | 'random'>,
): ReadAuthority | Problem {
  let certificates: Certificate[]
  try {
    certificates = readCertificateInput(pem).map(der => parseCertificate(der))
    // What follows reads them again, and may rely on it.
    for (const { extensions } of certificates) parseCertificateExtensions(extensions)
  } catch (error) {
    return refuse(unreadable(error))
  }
  let privateKey: KeyObject
  try {
    privateKey = createPrivateKey(keyPem)
  } catch {
    return refuse('its key is not a PEM private key without a passphrase')
  }
  const spki = spkiOf(createPublicKey(privateKey))
  const issuing = certificates.find(certificate => certificate.spki.raw.equals(spki))
  if (!issuing) return refuse('the key belongs to none of the certificates')
  const roots = certificates.filter(({ subject, issuer }) => nameEquals(subject, issuer))
  if (roots.length === 0)
    return refuse('the chain has no root: give the certificates up to the self-signed one')
  if (roots.includes(issuing))
    return refuse('it is a root: give an intermediate that it signed, and keep the key of the root elsewhere')
  const mayNot = whyNotAuthority(issuing)
  if (mayNot !== undefined) return refuse(`${formatName(issuing.subject)} ${mayNot}`)
  const above = certificates.filter(one => one !== issuing && !roots.includes(one))
  const way = { anchors: roots.map(anchorOf), now: context.now(), requireEku: false }
  const path = validatePath({ leaf: issuing, intermediates: above, purpose: 'any', ...way })
  if (!path.ok) return refuse(path.message)
  let sample: Certificate
  try {
    sample = sampleOf(issuing, privateKey, context)
  } catch (error) {
    return refuse(unreadable(error))
  }
  const sampled = validatePath({
    leaf: sample,
    intermediates: [issuing, ...above],
    purpose: 'clientAuth',
    ...way,
  })
  if (!sampled.ok)
    return refuse(`what it issues would not be good for authenticating a sender: ${sampled.message}`)
  return { chain: path.chain, privateKey }
}

const refuse = (reason: string) => new Problem('invalid_input', `the authority is not accepted: ${reason}`)

/** What a reader, or a signer, complains of; anything else is a defect of ours. */
function unreadable(error: unknown): string {
  if (error instanceof PemError || error instanceof DerError) return error.message
  throw error
}

function whyNotAuthority({ extensions }: Certificate): string | undefined {
  const { basicConstraints, keyUsage } = parseCertificateExtensions(extensions)
  if (!basicConstraints?.ca) return 'is not a certificate of an authority'
  if (keyUsage && !(keyUsage.includes('keyCertSign') && keyUsage.includes('cRLSign')))
    return 'may not sign certificates and revocation lists (key usage)'
  return undefined
}

/** What a sender would get: name constraints, purposes and path lengths above show only on one of these. */
function sampleOf(
  issuing: Certificate,
  key: KeyObject,
  context: Pick<Context, 'now' | 'random'>,
): Certificate {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const nowhere = 'http://localhost/pki/sample'
  return issueFrom(
    'sender',
    {
      subject: [{ type: 'CN', value: 'sample' }],
      uris: ['urn:uuid:00000000-0000-4000-8000-000000000000'],
      publicKey,
      days: 1,
    },
    { certificate: issuing, key, addresses: { certificate: nowhere, crl: nowhere, ocsp: nowhere } },
    context,
  )
}
