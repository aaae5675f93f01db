import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Tenant } from '../../core/tenant.ts'
import type { PresentedCertificate } from '../../guard/index.ts'

/** Where a request came in. */
export interface Listener {
  readonly name: 'public' | 'mtls' | 'proxy' | 'pki' | 'plain' | 'identity' | 'identity-plain'
  /** Where the proxy forwards certificates; its name in lower case. */
  readonly certificateHeader?: string
}

/** What the front door found out about a request, before anything else was done with it. */
export interface Envelope {
  /** Ours, given to the caller. */
  readonly correlationId: string
  /** The caller's own, kept beside ours. */
  readonly callerCorrelationId: string | undefined
  readonly tenant: Tenant
  readonly source: string
  readonly listener: Listener['name']
  /** What the peer has proven to hold, or the proxy says that it has. */
  readonly certificate: PresentedCertificate | undefined
  readonly receivedAt: number
  /** Did the path begin with `/tenants/NAME`? */
  readonly prefixed?: boolean
  /** After the tenant's prefix, without the query. */
  readonly path: string
  readonly query: string
}

/** A request that has passed the front door. */
export interface EnvelopedRequest extends IncomingMessage {
  envelope: Envelope
}

export function envelopeOf(raw: IncomingMessage): Envelope {
  return (raw as EnvelopedRequest).envelope
}

/** A correlation id from the caller, fit for a record: printable, short. */
export function callerCorrelationId(headers: IncomingMessage['headers']): string | undefined {
  const given = headers['x-correlation-id'] ?? headers['x-request-id']
  return typeof given === 'string' && /^[\x21-\x7e]{1,128}$/.test(given) ? given : undefined
}

const hangingUp = new WeakSet<object>()

/** Makes this answer the last one on its connection. */
export function hangUpAfter(response: ServerResponse): void {
  response.shouldKeepAlive = false
  hangingUp.add(response.req.socket)
}

/** Requests that were sent ahead after the last answered one must not be processed (RFC 9112 section 9.6). */
export function isHungUp({ socket }: IncomingMessage): boolean {
  return hangingUp.has(socket)
}
