import { readFileSync } from 'node:fs'
import type { TrustedCertificate, TrustTable } from '../../core/trust/index.ts'
import { isSelfSigned } from '../../core/trust/index.ts'
import { type Certificate, parseCertificate } from '../../crypto/certificate.ts'
import { parseCertificateExtensions } from '../../crypto/extensions/index.ts'
import { readCertificateInput } from '../../crypto/pem.ts'
import { readPkcs12 } from '../../crypto/pkcs12/read.ts'
import { certificateFingerprint } from '../../crypto/thumbprint.ts'
import type { MtlsSettings, StoreFile, TlsSettings } from '../camunda/settings.ts'
import { ConfigError } from '../config.ts'

/** DER of certificates that an operator named: PEM itself, or the path of a file. Throws ConfigError. */
function readTrusted(given: string): Buffer[] {
  try {
    return readCertificateInput(given.includes('-----BEGIN') ? given : readFileSync(given))
  } catch (error) {
    throw new ConfigError(
      `the trusted certificate ${given.slice(0, 200).split('\n')[0]} cannot be read: ${(error as Error).message}`,
    )
  }
}

/** The certificates of a trust store, which most often has no private key. Throws ConfigError. */
function readTrustStore({ path, password = '' }: StoreFile): Buffer[] {
  try {
    const { certificates } = readPkcs12(readFileSync(path), { store: password })
    return certificates.map(({ der }) => der)
  } catch (error) {
    throw new ConfigError(`the trust store ${path} cannot be used: ${(error as Error).message}`)
  }
}

/** DER of all that the settings trust: of the store of the port, and of those that are named beside it. */
export function trustedBy(
  store: TlsSettings['trust'],
  { trustedCertificates }: Pick<MtlsSettings, 'trustedCertificates'>,
): Buffer[] {
  const stored = !store ? [] : 'path' in store ? readTrustStore(store) : readTrusted(store.certificate)
  return [...stored, ...trustedCertificates.flatMap(readTrusted)]
}

/** What the described settings trust, as the rules for authorities read it. */
export interface ConfiguredTrust {
  /** Of the authorities; where the tenant knows one of them, with what it says about revocation. */
  readonly table: TrustTable
  /** Fingerprints of certificates that are good by themselves. */
  readonly pinned: ReadonlySet<string>
}

/**
 * Authorities, and where allowed certificates that need none. `known`: the roots of the tenant, which say where their
 * revocation lists are (`countersign trust add --crl-url`).
 */
export function configuredTrust(
  {
    allowSelfSigned,
    requireValidChain,
    checkRevocation,
  }: Pick<MtlsSettings, 'allowSelfSigned' | 'requireValidChain' | 'checkRevocation'>,
  ders: readonly Buffer[],
  known: Pick<TrustTable, 'list'>,
): ConfiguredTrust {
  const all = ders.map(der => ({
    der,
    certificate: parseCertificate(der),
    fingerprint: certificateFingerprint(der),
  }))
  const pinned = new Set(
    all
      .filter(({ certificate }) => (isSelfSigned(certificate) ? allowSelfSigned : !requireValidChain))
      .map(({ fingerprint }) => fingerprint),
  )
  const authorities = all.filter(({ certificate }) => isAuthority(certificate))
  return {
    pinned,
    table: {
      async list(tenantId) {
        const stored = new Map((await known.list(tenantId)).map(row => [row.fingerprint, row]))
        return authorities.map(({ der, fingerprint }): TrustedCertificate => {
          const row = stored.get(fingerprint)
          const revocation = checkRevocation ? 'hard' : (row?.revocation ?? 'soft')
          return {
            tenantId,
            fingerprint,
            // An intermediate that is named here vouches by itself, as in the described system.
            role: 'root',
            der,
            crlUrl: row?.crlUrl,
            ocspUrl: row?.ocspUrl,
            revocation,
            addedAt: row?.addedAt ?? 0,
          }
        })
      },
      count: async () => authorities.length,
      put: unsupported,
      delete: unsupported,
    },
  }
}

const isAuthority = ({ extensions }: Certificate): boolean =>
  parseCertificateExtensions(extensions).basicConstraints?.ca === true

const unsupported = async (): Promise<never> => {
  throw new Error('what is trusted here stands in the configuration')
}
