import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { encodePem, PemError, readCertificateInput } from '../crypto/pem.ts'
import { misconfigured } from './errors.ts'

/** A certificate with its private key as a TLS connection shows it: PEM, ready for node:tls, node:https and undici. */
export type ClientCertificate = {
  /** the client's own certificate, then those above it, without the root */
  readonly cert: string
  /** PKCS#8, without a passphrase */
  readonly key: string
}

/**
 * Puts together what a client sends in a TLS handshake. Takes PEM in any order and with or without a root; the
 * certificate of the private key goes first. Throws TokenError `invalid_configuration` when the key cannot be read or
 * belongs to none of the certificates; no message holds any of it.
 */
export function clientCertificate(
  certificates: string | Buffer,
  privateKey: string | Buffer,
  passphrase?: string,
): ClientCertificate {
  const given = readCertificates(certificates)
  const key = readPrivateKey(privateKey, passphrase)
  const own = given.find(certificate => certificate.checkPrivateKey(key))
  if (own === undefined) {
    throw misconfigured(
      `The private key does not belong to the certificate${given.length > 1 ? 's' : ''} (${given[0]!.subject.replaceAll('\n', ', ')}): give the ` +
        'one that it was issued for.',
    )
  }
  return {
    cert: toPem([own, ...given.filter(certificate => certificate !== own && !isRoot(certificate))]),
    key: key.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}

/**
 * The certificates of a chain that its owner sends (RFC 8446 section 4.4.2): all but the root, which the other side
 * has, or does not trust. PEM; the first one stays the first. Throws TokenError `invalid_configuration`.
 */
export function withoutRoot(chain: string | Buffer): string {
  const [leaf, ...others] = readCertificates(chain)
  return toPem([leaf!, ...others.filter(certificate => !isRoot(certificate))])
}

/** PEM in any order and form, or DER of one. Throws TokenError `invalid_configuration`. */
export function readCertificates(given: string | Buffer): X509Certificate[] {
  try {
    return readCertificateInput(given).map(der => new X509Certificate(der))
  } catch (error) {
    const why = error instanceof PemError ? error.message : 'it holds something that is no certificate'
    throw misconfigured(`The certificate cannot be read: ${why}.`)
  }
}

/** PEM. Throws TokenError `invalid_configuration`; no message holds any of it. */
export function readPrivateKey(given: string | Buffer, passphrase: string | undefined): KeyObject {
  const key = given.toString()
  try {
    return createPrivateKey(passphrase === undefined ? key : { key, passphrase })
  } catch {
    // The parser's own words say nothing that helps.
    const encrypted = /ENCRYPTED/.test(key)
    throw misconfigured(
      encrypted
        ? `The private key is encrypted: ${passphrase === undefined ? 'give its passphrase' : 'the passphrase is not the right one'}.`
        : 'The private key cannot be read: it must be PEM, with its BEGIN and END lines.',
    )
  }
}

const isRoot = ({ subject, issuer }: X509Certificate): boolean => subject === issuer

const toPem = (certificates: readonly X509Certificate[]): string =>
  certificates.map(({ raw }) => encodePem('CERTIFICATE', raw)).join('')
