import { z } from 'zod'
import { type Certificate, parseCertificate } from '../../../crypto/certificate.ts'
import { DerError } from '../../../crypto/der.ts'
import { parseCertificateExtensions } from '../../../crypto/extensions/index.ts'
import { keyWeakness } from '../../../crypto/key-quality.ts'
import { formatName, nameEquals } from '../../../crypto/names.ts'
import { encodePem, PemError, readCertificateInput } from '../../../crypto/pem.ts'
import { importSpki } from '../../../crypto/spki.ts'
import { certificateThumbprint } from '../../../crypto/thumbprint.ts'
import { namesDigest, successorDigest } from '../../clients/index.ts'
import { Problem } from '../../problem.ts'
import type { Tenant } from '../../tenant.ts'
import { isSelfSigned, type Verdict } from '../../trust/index.ts'
import type { ServiceKey } from '../store.ts'
import { certificateDetails, holdCertificate, mtlsUrls, succeedCertificates } from './certificate.ts'
import type { CredentialKind, CredentialTables, NewCredential } from './credential.ts'
import { matchingNames, namesSchema, readMatch } from './matching.ts'
import { readKeyParameters } from './parameters.ts'

const parametersSchema = z.strictObject({
  'X.509': z.string().optional(),
  'certificate-pinning': z.boolean().default(true),
  'allow-untrusted': z.boolean().default(false),
  // The described sample shows them, and they mean nothing for a certificate that is there already.
  validity: z.unknown().optional(),
  'key-length': z.unknown().optional(),
  ...namesSchema,
})

type Parameters = z.infer<typeof parametersSchema>

/** A certificate that the sender brings: the very certificate, or names in it together with its authority. */
export const certificateExternal: CredentialKind = {
  type: 'certificate_external',
  schema: parametersSchema,
  async make({ tenant }, parameters, deps) {
    const read = readKeyParameters(this.type, parametersSchema, parameters)
    if (read instanceof Problem) return read
    const names = matchingNames(read)
    if (names.length > 0) return byNames(read)
    const certificate = readLeaf(read['X.509'])
    if (certificate instanceof Problem) return certificate
    const thumbprint = certificateThumbprint(certificate.raw)
    const verdict = await deps.trust.evaluate(tenant.id, { der: certificate.raw, thumbprint, chain: [] })
    const pinned = read['certificate-pinning']
    const accepted = accept(verdict, pinned, read['allow-untrusted'], tenant)
    if (accepted instanceof Problem) return accepted
    return {
      stored: { pinned },
      document: {
        certificate: encodePem('CERTIFICATE', certificate.raw),
        certificatedetails: certificateDetails(certificate),
      },
      warnings: accepted,
      async write(key, tables) {
        const taken = await rivalOf(key, certificate, thumbprint, pinned, tables)
        if (taken) return taken
        await holdCertificate(key, certificate, thumbprint, deps.context.now(), tables)
        if (pinned || !verdict.ok) return undefined
        const digest = successorDigest(certificate, verdict.chain[1]!)
        // There is no rival: a key that once had certificates of these names has none in use any more.
        await tables.keyMatches.put({ tenantId: key.tenantId, digest, kind: 'names', credentialId: key.id })
        return undefined
      },
    }
  },
  async succeed(key, made, overlap, tables) {
    const held = await tables.keyCertificates.list(key.id)
    if (held.length === 0 || made.document.certificate === undefined)
      return new Problem(
        'invalid_input',
        'a name in a certificate is not rotated: a renewed certificate of that name is accepted as it is',
        { hint: 'For another name, or for one certificate, make another key.' },
      )
    return succeedCertificates(key, made, overlap, tables)
  },
  urls: mtlsUrls,
}

function byNames(read: Parameters): NewCredential | Problem {
  if (read['X.509'] !== undefined)
    return new Problem('invalid_input', 'give the certificate (X.509) or a name in it, not both')
  const match = readMatch(read)
  if (match instanceof Problem) return match
  return {
    stored: { pinned: false },
    document: match.document,
    warnings: match.warnings,
    async write({ tenantId, id: credentialId }, { keyMatches }) {
      const [taken] = await keyMatches.find(tenantId, [match.digest])
      if (taken) return new Problem('conflict', 'another key names the same authority and the same name')
      await keyMatches.insert({ tenantId, digest: match.digest, kind: match.kind, credentialId })
      return undefined
    },
  }
}

/** One certificate, that of the sender itself; a chain is refused, because nobody could tell what it is meant to say. */
function readLeaf(text: string | undefined): Certificate | Problem {
  const refuse = (reason: string, hint?: string) =>
    new Problem('invalid_input', `X.509: ${reason}`, hint === undefined ? {} : { hint })
  if (text === undefined)
    return refuse('the certificate is missing', 'Give it as X.509; on the command line: --certificate FILE.')
  try {
    const found = readCertificateInput(text)
    if (found.length > 1)
      return refuse(
        `it holds ${found.length} certificates, a chain: give the certificate of the sender alone${nameOfLeaf(found)}`,
        'The others belong to the trusted ones, the root as well as those between: countersign trust add FILE.',
      )
    const certificate = parseCertificate(found[0]!)
    if (isAuthority(certificate)) return refuse('it is the certificate of an authority, not of a sender')
    const weakness = keyWeakness(importSpki(certificate.spki.raw))
    return weakness === undefined ? certificate : refuse(weakness)
  } catch (error) {
    if (error instanceof PemError) return refuse(error.message)
    if (error instanceof DerError)
      return refuse(
        `it cannot be read as a certificate: ${error.message}`,
        'Was something cut off? From a PKCS#12 file take the certificate alone: openssl pkcs12 -in FILE -clcerts -nokeys',
      )
    throw error
  }
}

/** `openssl req -x509` writes CA into whatever it makes: alone, in a self-signed certificate, that says nothing. */
function isAuthority(certificate: Certificate): boolean {
  const { basicConstraints, keyUsage } = parseCertificateExtensions(certificate.extensions)
  return (
    basicConstraints?.ca === true &&
    (keyUsage?.includes('keyCertSign') === true || !isSelfSigned(certificate))
  )
}

/** Which of a chain is the sender's, in whatever order it was pasted: the one that issued none of the others. */
function nameOfLeaf(ders: readonly Buffer[]): string {
  const all = ders.map(der => parseCertificate(der))
  const [leaf, another] = all.filter(
    one => !all.some(other => other !== one && nameEquals(other.issuer, one.subject)),
  )
  return leaf && !another ? `, ${formatName(leaf.subject)}` : ''
}

/** Whether a key may hold a certificate of this verdict: what to warn of, or why not. */
function accept(
  verdict: Verdict,
  pinned: boolean,
  allowUntrusted: boolean,
  tenant: Tenant,
): readonly string[] | Problem {
  if (verdict.ok) return []
  const refuse = (reason: string, hint: string) => new Problem('invalid_input', `X.509: ${reason}`, { hint })
  if (verdict.selfSigned) {
    if (!tenant.selfSigned)
      return refuse(
        'the certificate is self-signed, and the tenant allows none',
        `Allow them: countersign tenant update ${tenant.name} --allow-self-signed; or have an authority issue one. If it is a root, not the sender's own: countersign trust add FILE.`,
      )
    return pinned
      ? ['the certificate is self-signed: it is accepted because this key holds it, until it ends']
      : refuse(
          'a self-signed certificate must be pinned: nobody vouches for its successor',
          'Leave certificate-pinning out; on the command line: --no-pin.',
        )
  }
  if (verdict.rule === 'not yet valid') return [verdict.reason]
  if (verdict.rule !== 'unknown issuer') return refuse(verdict.reason, verdict.hint)
  if (!allowUntrusted)
    return refuse(
      verdict.reason,
      `${verdict.hint} Or create the key now, unusable until then: "allow-untrusted": true; on the command line: --allow-untrusted.`,
    )
  return pinned
    ? [`unusable until its root is trusted: ${verdict.reason}`]
    : refuse(
        'the key of its issuer is not known, and without pinning it is needed',
        'Leave certificate-pinning out (on the command line: --no-pin), or trust the root first.',
      )
}

/** One certificate identifies one key; and two keys of the same names must not be taken for each other. */
async function rivalOf(
  key: ServiceKey,
  certificate: Certificate,
  thumbprint: string,
  pinned: boolean,
  { keyCertificates }: CredentialTables,
): Promise<Problem | undefined> {
  const holder = await keyCertificates.find(key.tenantId, thumbprint)
  if (holder)
    return new Problem(
      'conflict',
      `the certificate is held by key ${holder.keyName} of instance ${holder.instanceName} already: one certificate identifies one key`,
      { hint: 'To give a sender several roles, put them in one instance.' },
    )
  const rivals = await keyCertificates.withNames(key.tenantId, namesDigest(certificate))
  const rival = rivals.find(other => other.credentialId !== key.id && !(pinned && other.pinned))
  return rival
    ? new Problem(
        'conflict',
        `key ${rival.keyName} of instance ${rival.instanceName} holds a certificate of the same subject and issuer, and ${rival.pinned ? 'this one is' : 'it is'} not pinned: nobody could tell which key a renewed certificate is for`,
        { hint: 'Pin both, or delete the other key.' },
      )
    : undefined
}
