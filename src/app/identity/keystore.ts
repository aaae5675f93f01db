import { createPublicKey, hash, X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import {
  type AuthSource,
  type CertificateFiles,
  type CertificateFilesEvent,
  certificateFiles,
  type LoadedCertificate,
  privateKeyJwt,
  TokenError,
} from '../../client/index.ts'
import { iso, type Log } from '../../core/context.ts'
import type { AssertionIdentity, KeyIdForm } from '../camunda/settings.ts'
import { ConfigError } from '../config.ts'

/**
 * The certificates that a service signs assertions with, read again when the file changes. Emits the described lines.
 * Throws ConfigError for a keystore that is not there or does not open.
 */
export function openKeystore({ keystore }: AssertionIdentity, log: Log): CertificateFiles {
  const { path, password = '', alias, keyPassword } = keystore
  log.info({ path }, `Loading certificate from keystore: ${path}`)
  if (!existsSync(path)) {
    const line = `Certificate keystore not found: ${path}`
    log.error({ path }, line)
    throw new ConfigError(`${line}: is the folder mounted, and may this user read it?`)
  }
  try {
    return certificateFiles(
      [
        {
          pkcs12: path,
          passphrase: password,
          ...(alias !== undefined && { alias }),
          ...(keyPassword !== undefined && { keyPassphrase: keyPassword }),
        },
      ],
      { onEvent: event => tell(event, alias, log) },
    )
  } catch (error) {
    if (error instanceof TokenError) throw new ConfigError(error.message)
    throw error
  }
}

function tell(event: CertificateFilesEvent, alias: string | undefined, log: Log): void {
  const { path } = event
  switch (event.type) {
    case 'loaded': {
      const { thumbprint, notAfter, note } = event
      log.info(
        { path, thumbprint, notAfter: iso(notAfter), ...(note !== undefined && { note }) },
        `Certificate loaded successfully with alias: ${alias ?? 'of the only key'}`,
      )
      return
    }
    case 'unreadable':
      log.error(
        { path, error: event.error.message },
        'the keystore changed and cannot be read; what was read before stays in use',
      )
      return
    case 'readable-by-others':
      log.warn({ path, hint: `chmod 600 ${path}` }, 'the keystore can be read by others on this computer')
  }
}

/** So long is an assertion good, as the described system makes them; seconds. */
const assertionSeconds = 300

/**
 * Assertions as Microsoft Entra and others take them: the header names the certificate in each of the ways in use, so
 * that whoever checks finds the one that it knows.
 */
export function assertionsOf(clientId: string, files: CertificateFiles, kid: KeyIdForm): AuthSource {
  return files.auth(certificate =>
    privateKeyJwt(clientId, {
      key: certificate.key,
      certificate: certificate.cert,
      certificateHeaders: ['x5t#S256', 'x5t'],
      keyId: keyIdOf(certificate, kid),
      audience: ({ tokenUrl: { origin, pathname } }) => origin + pathname,
      lifetime: assertionSeconds,
    }),
  )
}

/** `kid` in one of the forms that Camunda knows. */
function keyIdOf(
  { cert }: LoadedCertificate,
  { source, digest, encoding, case: letters }: KeyIdForm,
): string {
  const certificate = new X509Certificate(cert)
  const bytes =
    source === 'CERTIFICATE' ? certificate.raw : createPublicKey(cert).export({ type: 'spki', format: 'der' })
  const made = hash(digest === 'SHA1' ? 'sha1' : 'sha256', bytes, encoding === 'HEX' ? 'hex' : 'base64url')
  return letters === 'UPPER' ? made.toUpperCase() : made
}
