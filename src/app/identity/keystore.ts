import { createPublicKey, hash, X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import {
  type AuthCandidate,
  type AuthSource,
  type CertificateFiles,
  type CertificateFilesEvent,
  certificateFiles,
  type LoadedCertificate,
  privateKeyJwt,
  TokenError,
} from '../../client/index.ts'
import { type Context, iso, type Log } from '../../core/context.ts'
import type { Ending } from '../../core/expiry.ts'
import type { Tenant } from '../../core/tenant.ts'
import type { AssertionIdentity, IdentitySettings, KeyIdForm } from '../camunda/settings.ts'
import { ConfigError } from '../config.ts'

/**
 * The certificates that a service signs assertions with, read again when their files change. Several files are
 * separated by commas, and open with the same passwords. Emits the described lines. Throws ConfigError for a keystore
 * that is not there or does not open.
 */
export function openKeystore({ keystore }: AssertionIdentity, log: Log): CertificateFiles {
  const { password = '', alias, keyPassword } = keystore
  const paths = keystore.path.split(',').map(path => path.trim())
  for (const path of paths) {
    log.info({ path }, `Loading certificate from keystore: ${path}`)
    if (existsSync(path)) continue
    const line = `Certificate keystore not found: ${path}`
    log.error({ path }, line)
    throw new ConfigError(`${line}: is the folder mounted, and may this user read it?`)
  }
  try {
    return certificateFiles(
      paths.map(path => ({
        pkcs12: path,
        passphrase: password,
        ...(alias !== undefined && { alias }),
        ...(keyPassword !== undefined && { keyPassphrase: keyPassword }),
      })),
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

/** The certificates that assertions are signed with. */
export interface Keystores {
  readonly assertion: CertificateFiles | undefined
  /** Of the second identity, which is another program's: looked at, so that a wrong one, or its end, is known here. */
  readonly zeebe: CertificateFiles | undefined
}

export function openKeystores(
  { assertion, certAuthEnabled, zeebeAssertion }: IdentitySettings,
  { log }: Pick<Context, 'log'>,
): Keystores {
  return {
    zeebe: zeebeAssertion && openKeystore(zeebeAssertion, log),
    assertion: certAuthEnabled && assertion ? openKeystore(assertion, log) : undefined,
  }
}

/** Of what was read, the certificates that end before `before` (milliseconds since 1970). */
export function endingsOf(
  { assertion, zeebe }: Keystores,
  settings: IdentitySettings,
  { name: tenant }: Tenant,
  before: number,
): Ending[] {
  const files = [
    { files: assertion, path: settings.assertion?.keystore.path },
    { files: zeebe, path: settings.zeebeAssertion?.keystore.path },
  ]
  return files.flatMap(({ files: held, path = '' }) =>
    (held?.all() ?? [])
      .filter(({ notAfter }) => notAfter < before)
      .map(({ thumbprint, notAfter }) => ({
        of: 'identity' as const,
        id: thumbprint,
        names: { tenant, file: path },
        notAfter,
        hint: 'Upload its successor at the token server, then put it into the file: it is read at once.',
      })),
  )
}

/** So long is an assertion good, as the described system makes them; seconds. */
const assertionSeconds = 300

/**
 * Assertions as Microsoft Entra and others take them: the header names the certificate in each of the ways in use, so
 * that whoever checks finds the one that it knows.
 */
export function assertionsOf(
  clientId: string,
  files: CertificateFiles,
  { kid, algorithm }: Pick<AssertionIdentity, 'kid' | 'algorithm'>,
): AuthSource {
  const ends = new Map<string, number>()
  const source = files.auth(certificate => {
    ends.set(certificate.thumbprint, certificate.notAfter)
    return privateKeyJwt(clientId, {
      key: certificate.key,
      certificate: certificate.cert,
      certificateHeaders: ['x5t#S256', 'x5t'],
      keyId: keyIdOf(certificate, kid),
      ...(isRsa(certificate) && algorithm !== undefined && { algorithm }),
      audience: ({ tokenUrl: { origin, pathname } }) => origin + pathname,
      lifetime: assertionSeconds,
    })
  })
  return withReplaced(source, name => ends.get(name) ?? 0)
}

/**
 * What a file held before is tried last, until it ends: the token server may not know the successor yet, or the
 * successor may not be good yet. `endOf`: milliseconds, by the name of a candidate.
 */
function withReplaced(source: AuthSource, endOf: (name: string) => number): AuthSource {
  const seen = new Map<string, AuthCandidate>()

  function held(now: number): readonly AuthCandidate[] {
    try {
      return source.candidates(now)
    } catch (error) {
      if (error instanceof TokenError && seen.size > 0) return []
      throw error
    }
  }

  return {
    candidates(now) {
      for (const name of seen.keys()) if (endOf(name) <= now) seen.delete(name)
      const current = held(now)
      const names = new Set(current.map(({ name }) => name))
      const replaced = [...seen.values()].filter(({ name }) => !names.has(name))
      for (const one of current) seen.set(one.name, one)
      return [...current, ...replaced]
    },
  }
}

const isRsa = ({ cert }: LoadedCertificate): boolean => createPublicKey(cert).asymmetricKeyType === 'rsa'

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
