import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { certificateThumbprint } from '../crypto/thumbprint.ts'
import type { AuthSource, ClientAuth } from './auth/index.ts'
import { type ClientCertificate, clientCertificate } from './certificate.ts'
import { misconfigured, TokenError } from './errors.ts'
import { certificateFromPkcs12, type Pkcs12Opening } from './pkcs12.ts'

/** Where a certificate with its private key lies: two PEM files, or a PKCS#12 file. */
export type CertificatePlace =
  | { readonly certificate: string; readonly key: string; readonly passphrase?: string | undefined }
  | ({ readonly pkcs12: string } & Readonly<Pkcs12Opening>)

/** A certificate that was read, as `tlsClientAuth` and a TLS connection take it. */
export type LoadedCertificate = ClientCertificate & {
  /** `x5t#S256` */
  readonly thumbprint: string
  /** milliseconds since 1970 */
  readonly notBefore: number
  readonly notAfter: number
}

/** What an operator may want to log; holds no secret. */
export type CertificateFilesEvent =
  | { type: 'loaded'; path: string; thumbprint: string; notAfter: number; note: string | undefined }
  /** what was read before stays in use */
  | { type: 'unreadable'; path: string; error: TokenError }
  | { type: 'readable-by-others'; path: string }

export type CertificateFilesOptions = {
  onEvent?: ((event: CertificateFilesEvent) => void) | undefined
}

/** The certificates of one client in files, read again when the files have changed. */
export type CertificateFiles = {
  /** Those that are good at this time, the newest first. Throws TokenError `invalid_configuration` where none is. */
  current(now?: number): readonly LoadedCertificate[]
  /** Those that were read, whatever their dates. */
  all(): readonly LoadedCertificate[]
  /**
   * As `auth` of a token client: each certificate by itself, the newest first, such as
   * `files.auth(one => tlsClientAuth(clientId, one))`.
   */
  auth(make: (certificate: LoadedCertificate) => ClientAuth): AuthSource
}

/**
 * Certificates with overlapping dates, so that a new one can be put beside the old one and both work. The files are
 * looked at each time one is needed, which is when a token is fetched: nothing watches, and nothing has to be closed.
 * A file that cannot be read leaves what was read before in use. Throws TokenError `invalid_configuration` when a file
 * cannot be read at the beginning.
 */
export function certificateFiles(
  places: readonly CertificatePlace[],
  { onEvent = () => {} }: CertificateFilesOptions = {},
): CertificateFiles {
  if (places.length === 0) throw misconfigured('No certificate file is named.')
  const held = places.map(place => heldCertificate(place, onEvent))

  function current(now = Date.now()): readonly LoadedCertificate[] {
    const all = held.map(one => one()).toSorted((a, b) => b.notBefore - a.notBefore)
    const good = all.filter(({ notBefore, notAfter }) => notBefore <= now && now <= notAfter)
    if (good.length === 0) throw misconfigured(whyNone(all, now))
    return good
  }

  return {
    current,
    all: () => held.map(one => one()),
    auth(make) {
      const made = new WeakMap<LoadedCertificate, ClientAuth>()
      const authOf = (certificate: LoadedCertificate): ClientAuth => {
        const auth = made.get(certificate) ?? make(certificate)
        made.set(certificate, auth)
        return auth
      }
      return {
        candidates: now => current(now).map(one => ({ name: one.thumbprint, auth: authOf(one) })),
      }
    },
  }
}

/** The certificate of a place as it is now; the first call reads it. */
function heldCertificate(
  place: CertificatePlace,
  onEvent: (event: CertificateFilesEvent) => void,
): () => LoadedCertificate {
  const paths = 'pkcs12' in place ? [place.pkcs12] : [...new Set([place.key, place.certificate])]
  const [secret] = paths as [string, ...string[]]
  let state = stateOf(paths)
  let certificate = load()

  function load(): LoadedCertificate {
    const { certificate: read, note } = 'pkcs12' in place ? fromPkcs12(place) : fromPem(place)
    const { thumbprint, notAfter } = read
    onEvent({ type: 'loaded', path: secret, thumbprint, notAfter, note })
    if (isReadableByOthers(secret)) onEvent({ type: 'readable-by-others', path: secret })
    return read
  }

  return () => {
    const now = stateOf(paths)
    if (now === state) return certificate
    state = now
    try {
      certificate = load()
    } catch (error) {
      if (!(error instanceof TokenError)) throw error
      onEvent({ type: 'unreadable', path: secret, error })
    }
    return certificate
  }
}

/** Changes whenever a file does, also by a link that leads elsewhere, as orchestrators replace files. */
function stateOf(paths: readonly string[]): string {
  return paths
    .map(path => {
      const { ino, size, mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? {}
      return `${ino} ${size} ${mtimeMs}`
    })
    .join(', ')
}

interface Read {
  readonly certificate: LoadedCertificate
  readonly note: string | undefined
}

function fromPem({ certificate, key, passphrase }: Extract<CertificatePlace, { key: string }>): Read {
  return inFile(certificate, () => ({
    certificate: loaded(clientCertificate(readFile(certificate), readFile(key), passphrase)),
    note: undefined,
  }))
}

function fromPkcs12({ pkcs12, ...opening }: Extract<CertificatePlace, { pkcs12: string }>): Read {
  return inFile(pkcs12, () => {
    const { certificate, note } = certificateFromPkcs12(readFile(pkcs12), opening)
    return { certificate: loaded(certificate), note }
  })
}

function loaded(certificate: ClientCertificate): LoadedCertificate {
  const { raw, validFromDate, validToDate } = new X509Certificate(certificate.cert)
  return {
    ...certificate,
    thumbprint: certificateThumbprint(raw),
    notBefore: validFromDate.getTime(),
    notAfter: validToDate.getTime(),
  }
}

/** Says of which file an error speaks. */
function inFile(path: string, read: () => Read): Read {
  try {
    return read()
  } catch (error) {
    if (error instanceof TokenError) throw misconfigured(`${path}: ${error.message}`)
    throw error
  }
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw misconfigured(`The file cannot be read (${(error as NodeJS.ErrnoException).code}): ${path}`)
  }
}

const readableByOthers = 0o044

function isReadableByOthers(path: string): boolean {
  return ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & readableByOthers) !== 0
}

function whyNone(all: readonly LoadedCertificate[], now: number): string {
  const dates = all.map(({ notBefore, notAfter }) =>
    notAfter < now ? `one ended on ${iso(notAfter)}` : `one begins on ${iso(notBefore)} only`,
  )
  return `No certificate is good at this time: ${dates.join(', ')}. Put a new one into its file; it is read at once.`
}

const iso = (time: number): string => new Date(time).toISOString()
