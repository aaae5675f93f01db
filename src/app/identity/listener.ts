import { createPrivateKey } from 'node:crypto'
import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import type { Server as PlainServer } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import {
  mtlsServer,
  plainServer,
  presentIdentity,
  type RequestListener,
  type ServerIdentity,
  tlsServer,
} from '../../adapters/http/server.ts'
import { vouchFor } from '../../adapters/http/vouching.ts'
import { certificateFromPkcs12, TokenError } from '../../client/index.ts'
import type { Context } from '../../core/context.ts'
import { parseCertificate } from '../../crypto/certificate.ts'
import { anchorOf } from '../../crypto/path/index.ts'
import { certificateThumbprint } from '../../crypto/thumbprint.ts'
import { CertificateProblem, certificateOfSocket } from '../../guard/presented-certificate.ts'
import type { IdentitySettings, PemIdentity, TlsSettings } from '../camunda/settings.ts'
import { ConfigError } from '../config.ts'
import { trustedBy } from './certificates.ts'

export interface IdentitySocket {
  readonly socket: TlsServer | PlainServer
  /** Where it may listen: without TLS on this computer alone. */
  readonly host: string
  /** Stops looking at files. */
  end(): void
}

/** The socket of SERVER_PORT as the SERVER_SSL variables say; its certificate is shown anew when the file changes. */
export function identitySocket(
  { tls, mtls }: Pick<IdentitySettings, 'tls' | 'mtls'>,
  host: string,
  listener: RequestListener,
  { log, now }: Pick<Context, 'log' | 'now'>,
): IdentitySocket {
  if (!tls) return { socket: plainServer(listener), host: '127.0.0.1', end() {} }
  const socket = tlsSocket(tls, mtls, listener, now)
  const files =
    'path' in tls.identity
      ? [tls.identity.path]
      : [tls.identity.certificate, tls.identity.privateKey].filter(isPath)
  const reload = () => {
    try {
      presentIdentity(socket, readIdentity(tls.identity))
      log.info({}, 'certificate of the identity service reloaded')
    } catch (error) {
      log.error(
        { error: (error as Error).message },
        'the certificate of the identity service cannot be read; the old one stays',
      )
    }
  }
  for (const file of files) watchFile(file, { persistent: false, interval: 1000 }, reload)
  return {
    socket,
    host,
    end() {
      for (const file of files) unwatchFile(file, reload)
    },
  }
}

/**
 * `need` ends a connection without a trusted certificate; `want` takes any, or none, and decides with words for each
 * request.
 */
function tlsSocket(
  tls: TlsSettings,
  mtls: IdentitySettings['mtls'],
  listener: RequestListener,
  now: () => number,
): TlsServer {
  const identity = readIdentity(tls.identity)
  if (tls.clientAuth === 'none') return tlsServer(identity, listener)
  const server = mtlsServer(identity, listener)
  if (tls.clientAuth === 'want') return server
  const ders = trustedBy(tls.trust, mtls)
  if (ders.length === 0)
    throw new ConfigError(
      'SERVER_SSL_CLIENT_AUTH=need without SERVER_SSL_TRUST_STORE lets nobody in: name the authorities of your clients.',
    )
  const vouched = voucher(ders, now)
  // We and not `ca` with `rejectUnauthorized`: where Node 24 verifies, the intermediates that were sent are lost.
  return server.on('secureConnection', socket => {
    if (!vouched(certificateOfSocket(socket))) socket.destroy()
  })
}

/** Whether the handshake showed a certificate that these vouch for, or that is one of them. Each request looks closer. */
function voucher(
  ders: readonly Buffer[],
  now: () => number,
): (presented: ReturnType<typeof certificateOfSocket>) => boolean {
  const trusted = new Set(ders.map(certificateThumbprint))
  // An intermediate that is named vouches by itself.
  const anchors = ders.map(der => anchorOf(parseCertificate(der)))
  return presented => {
    if (presented === undefined || presented instanceof CertificateProblem) return false
    return trusted.has(presented.thumbprint) || vouchFor(anchors, presented.der, presented.chain, now())
  }
}

const isPath = (given: string): boolean => !given.includes('-----BEGIN')
const contentOf = (given: string): string => (isPath(given) ? readFileSync(given, 'utf8') : given)

function openedKey({ privateKey, keyPassword }: PemIdentity): string {
  const key = contentOf(privateKey)
  if (keyPassword === undefined) return key
  return createPrivateKey({ key, passphrase: keyPassword }).export({ type: 'pkcs8', format: 'pem' }) as string
}

function readIdentity(identity: TlsSettings['identity']): ServerIdentity {
  try {
    if (!('path' in identity)) return { cert: contentOf(identity.certificate), key: openedKey(identity) }
    const { path, password = '', alias, keyPassword } = identity
    const { certificate } = certificateFromPkcs12(readFileSync(path), {
      passphrase: password,
      ...(alias !== undefined && { alias }),
      ...(keyPassword !== undefined && { keyPassphrase: keyPassword }),
    })
    return { cert: String(certificate.cert), key: String(certificate.key) }
  } catch (error) {
    if (error instanceof TokenError)
      throw new ConfigError(
        `${'path' in identity ? identity.path : 'SERVER_SSL_CERTIFICATE'}: ${error.message}`,
      )
    const { code, path, message } = error as NodeJS.ErrnoException
    throw new ConfigError(
      `the certificate of the identity service cannot be read: ${code ?? message}${path === undefined ? '' : ` (${path})`}`,
    )
  }
}
