import type { IncomingMessage } from 'node:http'
import { isLoopback } from '../../../core/network.ts'
import { envelopeOf } from '../request.ts'

const ofProxies =
  /^(forwarded|via|x-forwarded(-.*)?|x-(real|client|cluster-client|original)-.*|true-client-ip|cf-.*|x-envoy-.*)$/
const hereAsHost = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d*)?$/i

/**
 * Does a program on this computer call by itself? Proxies on it call from here for others: so nothing counts that came
 * through the port for proxies, or says that it was handed on; one that says nothing cannot be told apart. Nor does a
 * page of another site whose name was made to lead here (DNS rebinding): it calls under that name.
 */
export function isFromHere(request: IncomingMessage): boolean {
  const { headers } = request
  const { source, listener } = envelopeOf(request)
  const site = headers['sec-fetch-site']
  return (
    listener !== 'proxy' &&
    isLoopback(source) &&
    hereAsHost.test(headers.host ?? '') &&
    isOwn(headers.origin, headers.host) &&
    (site === undefined || site === 'same-origin' || site === 'none') &&
    !Object.keys(headers).some(name => ofProxies.test(name))
  )
}

/** Browsers say from which site a page calls that changes something, or that calls another site. */
function isOwn(origin: string | undefined, host: string | undefined): boolean {
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)
}
