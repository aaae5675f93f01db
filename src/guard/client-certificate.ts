import { readForwardedCertificate } from './forwarded/index.ts'
import { headerValues, type NodeRequest } from './node-request.ts'
import {
  type CertificateProblem,
  certificateOfSocket,
  type PresentedCertificate,
} from './presented-certificate.ts'

/** Where the client certificate of a request is found: in its own TLS connection, or in what a proxy says. */
export type ClientCertificateSource = 'connection' | ForwardedCertificateSource

/**
 * A proxy ends the TLS of the clients and writes their certificate into a header, in one of the forms that
 * `readForwardedCertificate` reads.
 */
export interface ForwardedCertificateSource {
  /** The one header with the certificate, such as `Client-Cert` or `X-Forwarded-Client-Cert`. */
  readonly header: string
  /** The header with the other certificates, such as `Client-Cert-Chain`, where the proxy writes one. */
  readonly chainHeader?: string
  /**
   * Was this request sent by the proxy itself? Only `true` counts. Ask the connection, never a header: for example
   * whether `certificateOfSocket(request.socket)` has the thumbprint of the proxy's own certificate. A server that
   * listens on nothing but a Unix socket that only the proxy may open says `() => true`. An address is no proof, and a
   * missing one even less: every connection that the caller has closed already has none.
   * Where it is not the proxy, the header counts for nothing, and the certificate is that of the connection.
   */
  readonly trusted: (request: NodeRequest) => boolean
}

export type CertificateReader = (
  request: NodeRequest,
) => PresentedCertificate | CertificateProblem | undefined

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Throws TypeError for what cannot be a source. */
export function certificateReader(source: ClientCertificateSource = 'connection'): CertificateReader {
  if (source === 'connection') return ({ socket }) => certificateOfSocket(socket)
  const { trusted } = source
  const header = headerName(source.header, 'header')
  const chainHeader =
    source.chainHeader === undefined ? undefined : headerName(source.chainHeader, 'chainHeader')
  if (chainHeader === header) throw new TypeError('clientCertificate.chainHeader must be another header')
  if (typeof trusted !== 'function')
    throw new TypeError('clientCertificate.trusted is missing: anybody could send the header')
  return request =>
    trusted(request) === true
      ? readForwardedCertificate(
          headerValues(request, header),
          chainHeader === undefined ? [] : headerValues(request, chainHeader),
        )
      : certificateOfSocket(request.socket)
}

function headerName(name: unknown, option: string): string {
  if (typeof name !== 'string' || !token.test(name))
    throw new TypeError(`clientCertificate.${option} must be the name of a header`)
  return name.toLowerCase()
}
