import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { formDecode } from '../../core/parameters.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import { defaultTenantName, type Tenant } from '../../core/tenant.ts'
import { answerProblem } from './answer.ts'
import { certificateOf, isMisdirected } from './certificate.ts'
import { observeRefusal, type Surface } from './observe.ts'
import type { Renderer } from './problems.ts'
import { callerCorrelationId, type EnvelopedRequest, isHungUp, type Listener } from './request.ts'
import type { Services } from './services.ts'

/** Answers requests that have passed the front door. */
export type Inside = (request: EnvelopedRequest, response: ServerResponse) => void

const door: Surface = {
  name: 'front door',
  checks: () => ['path', 'headers', 'client certificate form', 'host', 'tenant', 'database heard'],
}

/** Addresses that answer whatever the database does. */
const alwaysOn = new Set([
  '/livez',
  '/readyz',
  '/actuator/health',
  '/actuator/health/liveness',
  '/actuator/health/readiness',
  '/actuator/health/startup',
  '/metrics',
])

/**
 * The front door, the same for every listener: gives the request its correlation id, refuses paths and headers
 * that different programs read differently, finds the tenant, and makes sure that this process knows what was
 * committed before the request came. `formAt` says how an address, without the prefix of a tenant, refuses.
 */
export function createFrontDoor(services: Services, formAt: (path: string) => Renderer, inside: Inside) {
  const { tenants, changes, context } = services

  return (listener: Listener) => (request: IncomingMessage, response: ServerResponse) => {
    if (isHungUp(request)) return
    const correlationId = randomUUID()
    const url = request.url ?? '/'
    const mark = url.indexOf('?')
    const fullPath = mark < 0 ? url : url.slice(0, mark)
    const enveloped = request as EnvelopedRequest
    const certificate = certificateOf(listener, request)
    const envelope = {
      correlationId,
      callerCorrelationId: callerCorrelationId(request.headers),
      tenant: tenants.byName(defaultTenantName)!,
      source: request.socket.remoteAddress ?? 'unix',
      listener: listener.name,
      certificate: isProblem(certificate) ? undefined : certificate,
      receivedAt: context.now(),
      prefixed: false,
      path: fullPath,
      query: mark < 0 ? '' : url.slice(mark + 1),
    }
    enveloped.envelope = envelope

    const ambiguous = ambiguity(fullPath, request)
    if (ambiguous) return refuse(ambiguous, request, response)
    if (isProblem(certificate)) return refuse(certificate, request, response)
    if (asksForCertificates.has(listener.name) && isMisdirected(request))
      return refuse(misdirected, request, response)
    const enter = () => {
      // As it is now that this process knows of every change.
      envelope.tenant = tenants.byName(defaultTenantName)!
      if (fullPath.startsWith(tenantPrefix)) {
        const found = splitTenant(fullPath, tenants.byName)
        if (!found) return refuse(noTenant, request, response)
        envelope.tenant = found.tenant
        envelope.path = found.path
        envelope.prefixed = true
        enveloped.url = mark < 0 ? found.path : `${found.path}${url.slice(mark)}`
      }
      inside(enveloped, response)
    }
    if (alwaysOn.has(fullPath)) return enter()
    if (!changes.upToDate()) return refuse(deaf, request, response)
    const settling = tenants.settled()
    if (settling) settling.then(enter, () => refuse(deaf, request, response))
    else enter()
  }

  function refuse(problem: Problem, request: IncomingMessage, response: ServerResponse): void {
    const { envelope } = request as EnvelopedRequest
    const render = formAt(envelope.path.replace(prefixOfTenant, ''))
    const rendered = render(problem, envelope, 'countersign')
    observeRefusal(problem, rendered.status, request, door, services)
    answerProblem(response, rendered)
  }
}

const asksForCertificates: ReadonlySet<Listener['name']> = new Set(['mtls', 'identity'])

const tenantPrefix = '/tenants/'
const prefixOfTenant = /^\/tenants\/[^/]+(?=\/)/

const noTenant = new Problem('not_found', 'there is no such address', {
  check: 'tenant',
  reason: 'no tenant of this name',
  hint: 'See `countersign tenant list`.',
})

const misdirected = new Problem('misdirected_request', 'the request is not for this connection', {
  check: 'host',
  reason: 'the Host header names another host than the TLS connection was made for (SNI)',
  hint: 'Let the sender open a connection of its own for each host.',
})

const deaf = new Problem('unavailable', 'temporarily unavailable', {
  check: 'database heard',
  reason: 'the database was not heard for 5 s, so nobody can vouch for a credential',
  hint: 'Is the database up, and can this node reach it?',
})

function splitTenant(
  path: string,
  byName: (name: string) => Tenant | undefined,
): { tenant: Tenant; path: string } | undefined {
  const end = path.indexOf('/', tenantPrefix.length)
  const tenant = byName(path.slice(tenantPrefix.length, end < 0 ? undefined : end))
  return tenant && { tenant, path: end < 0 ? '/' : path.slice(end) }
}

/** What another program on the way might read as another address, or as another caller. */
function ambiguity(path: string, request: IncomingMessage): Problem | undefined {
  return (ocspInPath.test(path) ? undefined : ambiguousPath(path)) ?? ambiguousHeaders(request)
}

/** Base64 with slashes, as RFC 6960 appendix A.1 wants it; nothing is routed by it. */
const ocspInPath = /^(\/tenants\/[a-z0-9-]+)?\/pki\/ocsp\/(?:[A-Za-z0-9+/=]|%2[BbFf]|%3[Dd])+$/

function ambiguousPath(path: string): Problem | undefined {
  if (!path.startsWith('/')) return notClean('the target is not a path')
  if (path.includes('//')) return notClean('the path has an empty segment')
  if (path.includes('\\')) return notClean('the path has a backslash')
  if (path.includes('%')) {
    if (/%(2f|5c|2e|00)/i.test(path)) return notClean('the path hides a slash, backslash or dot')
    if (formDecode(path) === undefined) return notClean('the path has broken percent encoding')
  }
  if (path.includes('/.') && /\/\.\.?(\/|$)/.test(path)) return notClean('the path has dot segments')
  return undefined
}

function ambiguousHeaders(request: IncomingMessage): Problem | undefined {
  const { rawHeaders } = request
  let authorizations = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    if (name.length === 13 && name.toLowerCase() === 'authorization') authorizations++
  }
  if (authorizations > 1)
    return new Problem('invalid_request', 'more than one Authorization header', { check: 'headers' })
  return undefined
}

function notClean(reason: string): Problem {
  return new Problem('invalid_request', 'the path is not in its normal form', {
    check: 'path',
    reason,
    hint: 'Let the sender write the path as `countersign flow list` shows it; a proxy on the way may have changed it.',
  })
}
