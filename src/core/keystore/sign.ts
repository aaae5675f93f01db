import { parseCertificate } from '../../crypto/certificate.ts'
import { buildCsr } from '../../crypto/csr.ts'
import { DerError } from '../../crypto/der.ts'
import { extendedKeyUsage } from '../../crypto/extensions/extended-key-usage.ts'
import { encodeExtension } from '../../crypto/extensions/extension.ts'
import { keyUsage } from '../../crypto/extensions/key-usage.ts'
import { subjectAltName } from '../../crypto/extensions/subject-alt-name.ts'
import { formatName } from '../../crypto/names.ts'
import { encodePem, PemError, readCertificateInput } from '../../crypto/pem.ts'
import { iso } from '../context.ts'
import { Problem } from '../problem.ts'
import type { Tenant } from '../tenant.ts'
import { orderChain } from './chain.ts'
import { openKey } from './key.ts'
import { findEntry, type KeystoreManagement } from './manage.ts'
import { checkSize, newestOf, readCertificates } from './read.ts'
import { noEntry, refuse } from './rules.ts'
import type { KeystoreEntry } from './store.ts'

/** What a successor of a certificate is asked to say as it does. */
const askedFor: ReadonlySet<string> = new Set([keyUsage.oid, extendedKeyUsage.oid, subjectAltName.oid])

/** PEM of a signing request (PKCS#10) for the key of an entry: the names and usages of its certificate. */
export async function signingRequest(
  tenant: Tenant,
  alias: string,
  { store, vault }: Pick<KeystoreManagement, 'store' | 'vault'>,
): Promise<string | Problem> {
  const entry = await findEntry(tenant, alias, { store })
  if (entry instanceof Problem) return entry
  if (!entry.sealedKey) return holdsNoKey(entry)
  const { subject, extensions } = parseCertificate(entry.chain[0]!)
  try {
    const csr = buildCsr({
      subject: subject.raw,
      key: openKey(entry.sealedKey, entry, vault),
      extensions: extensions
        .filter(({ oid }) => askedFor.has(oid))
        .map(({ oid, critical, value }) => encodeExtension(oid, critical, value)),
    })
    return encodePem('CERTIFICATE REQUEST', csr)
  } catch (error) {
    if (error instanceof DerError) return refuse(`no signing request can be made: ${error.message}`)
    throw error
  }
}

/**
 * Takes what an authority answered to a signing request: a certificate of the entry's key, with those of its issuers,
 * in any order. It takes the place of the chain before.
 */
export async function replaceChain(
  tenant: Tenant,
  alias: string,
  text: string,
  { store, context }: Omit<KeystoreManagement, 'vault'>,
): Promise<KeystoreEntry | Problem> {
  const certificates = readText(text)
  if (certificates instanceof Problem) return certificates
  return store.write(async ({ keystore }) => {
    const current = await keystore.find(tenant.id, alias)
    if (!current) return noEntry(alias)
    if (!current.sealedKey) return holdsNoKey(current)
    const leaf = newestOf(parseCertificate(current.chain[0]!).spki.raw, certificates)
    if (!leaf)
      return refuse(
        `none of the certificates has the public key of entry ${current.alias}: there is ${certificates.map(({ subject }) => formatName(subject)).join(' and ')}`,
        `Was it issued for the signing request of this entry? See \`countersign keystore csr ALIAS\`.`,
      )
    const now = context.now()
    if (leaf.notAfter < now) return refuse(`the certificate ended at ${iso(leaf.notAfter)}`)
    const chain = orderChain(leaf, certificates)
    if (chain instanceof Problem) return chain
    const tooLarge = checkSize(chain)
    if (tooLarge) return tooLarge
    const entry = { ...current, chain: chain.map(({ raw }) => raw), notAfter: leaf.notAfter, updatedAt: now }
    await keystore.update(entry)
    return entry
  })
}

function readText(text: string): ReturnType<typeof readCertificates> {
  try {
    return readCertificates(readCertificateInput(text))
  } catch (error) {
    if (error instanceof PemError) return refuse(`the chain: ${error.message}`)
    throw error
  }
}

const holdsNoKey = ({ alias }: KeystoreEntry): Problem =>
  new Problem('conflict', `entry ${alias} is a certificate, which has no private key here`, {
    hint: 'A newer certificate takes its place with `countersign keystore import ALIAS FILE --replace`.',
  })
