import {
  applicationKeys,
  applicationTokenChecks,
  checkGrantType,
  type EndpointVersion,
  instanceDiscovery,
  issuerOf,
  issueToApplication,
  openIdConfiguration,
} from '../../../core/applications/index.ts'
import { applicationChecks, authenticateApplication } from '../../../core/clients/index.ts'
import { entraErrors, entraProblem } from '../../../core/entra-errors.ts'
import { type ParameterRules, tokenRequestRules } from '../../../core/parameters.ts'
import { isProblem, Problem } from '../../../core/problem.ts'
import type { Tenant } from '../../../core/tenant.ts'
import { reservedTenantNames } from '../../../core/tenants/index.ts'
import type { Services } from '../services.ts'
import {
  type Address,
  at,
  type Endpoint,
  type Exchange,
  type Face,
  guarded,
  open,
  type TokenServerParts,
} from '../token-endpoint.ts'
import { entraRenderer } from './entra-problem.ts'

/** What clients say instead of a tenant where people log in; applications belong to one tenant. */
const shared: ReadonlySet<string> = new Set(['common', 'organizations', 'consumers'])

const checks = [
  'request form',
  'tenant',
  'grant type',
  ...applicationChecks,
  ...applicationTokenChecks,
] as const

/** Its libraries send the id of a request twice. */
const isTrace = (name: string): boolean => name === requestId || name.startsWith('x-client-')
const requestId = 'client-request-id'

const tokenRules: ParameterRules = {
  inQuery: new Set([...tokenRequestRules.inQuery, requestId]),
  inBoth: isTrace,
}
/** Here `code` is a number, and no authorization code. */
const errorRules: ParameterRules = { inQuery: new Set(['code']) }
const readRules: ParameterRules = {
  inQuery: new Set([requestId, 'api-version', 'authorization_endpoint']),
  inBoth: isTrace,
}

/**
 * The addresses of Microsoft Entra, for applications alone. The tenant stands first in the path, by its GUID, name or
 * alias. Which endpoint is asked says how the resource is named; how tokens look, the resource says.
 */
export const entra: Face = {
  name: 'entra',
  problem: entraRenderer(),
  addresses(server) {
    const { services } = server
    const { addresses, keyrings, context } = services
    const problem = entraRenderer(addresses.directory('error'))
    const own = { dialects: ['entra'], problem, echo }

    const token = (version: EndpointVersion) =>
      guarded('token', {
        ...own,
        checks,
        rules: tokenRules,
        answer: exchange => answerToken(exchange, version, server),
      })
    const tells = (answer: (tenant: Tenant) => object | Promise<object>) =>
      open({
        ...own,
        rules: readRules,
        async answer(exchange) {
          const tenant = findTenant(exchange, services)
          return isProblem(tenant) ? tenant : answer(tenant)
        },
      })
    const keys = (version: EndpointVersion) =>
      tells(async tenant =>
        applicationKeys(await keyrings.of(tenant.id), issuerOf(tenant, version, addresses), context.now()),
      )
    const instance = open({
      ...own,
      rules: readRules,
      answer: async exchange => answerInstance(exchange, services),
    })

    return [
      under('/oauth2/v2.0/token', token(2)),
      under('/oauth2/token', token(1)),
      under(
        '/v2.0/.well-known/openid-configuration',
        tells(tenant => openIdConfiguration(tenant, 2, addresses)),
      ),
      under(
        '/.well-known/openid-configuration',
        tells(tenant => openIdConfiguration(tenant, 1, addresses)),
      ),
      under('/discovery/v2.0/keys', keys(2)),
      under('/discovery/keys', keys(1)),
      at('/common/discovery/instance', instance),
      at('/discovery/instance', instance),
      at('/error', open({ dialects: ['entra'], problem, rules: errorRules, answer: explainError })),
    ]
  },
}

/** An address below a tenant. The first words of other addresses are nobody's name. */
function under(suffix: string, endpoint: Endpoint): Address {
  return {
    match(path) {
      if (!path.endsWith(suffix)) return undefined
      const end = path.length - suffix.length
      if (end < 2 || path.indexOf('/', 1) !== end) return undefined
      const id = path.slice(1, end)
      return reservedTenantNames.has(id) && !shared.has(id) ? undefined : { id }
    },
    endpoint,
  }
}

/** The tenant that the path names; from then on the request is about it. */
function findTenant({ id = '', request }: Exchange, { tenants }: Services): Tenant | Problem {
  if (request.envelope.prefixed) return nowhere
  if (shared.has(id)) return entraProblem(9001023, [id], { check: 'tenant' })
  const tenant = tenants.byReference(id)
  if (!tenant) return entraProblem(90002, [id], { check: 'tenant', hint: 'See `countersign tenant list`.' })
  ;(request.envelope as { tenant: Tenant }).tenant = tenant
  return tenant
}

const nowhere = new Problem('not_found', 'there is no such address', {
  check: 'tenant',
  reason: '/tenants/NAME stands before no address of Microsoft Entra',
  hint: 'Leave it out: the tenant is named by the first word of the path.',
})

async function answerToken(
  exchange: Exchange,
  version: EndpointVersion,
  { services, recordIssued }: TokenServerParts,
): Promise<object | Problem> {
  const { request, parameters } = exchange
  const tenant = findTenant(exchange, services)
  if (isProblem(tenant)) return tenant
  const refused = checkGrantType(parameters)
  if (refused) return refused
  const { source, certificate } = request.envelope
  const { authorization } = request.headers
  const authenticated = await authenticateApplication(
    { authorization, parameters, certificate },
    { tenant, source },
    services,
  )
  if (isProblem(authenticated)) return authenticated
  const issued = await issueToApplication(parameters, authenticated, { tenant, version }, services)
  return recordIssued(exchange, authenticated, issued)
}

/** Is the address that a library was given one of ours? */
function answerInstance(
  { parameters, request }: Exchange,
  { addresses, tenants }: Services,
): object | Problem {
  if (request.envelope.prefixed) return nowhere
  const asked = parameters.get('authorization_endpoint')
  if (asked === undefined) return entraProblem(900144, ['authorization_endpoint'], { check: 'request form' })
  const base = addresses.directory('')
  const [name = ''] = asked.startsWith(base) ? asked.slice(base.length).split(/[/?#]/) : []
  const tenant = name === '' ? undefined : tenants.byReference(name)
  return tenant
    ? instanceDiscovery(tenant, addresses)
    : entraProblem(50049, [asked], { check: 'request form' })
}

/** What `error_uri` names. */
async function explainError({ parameters }: Exchange): Promise<object | Problem> {
  const code = Number(parameters.get('code'))
  const found = entraErrors[code]
  return found
    ? {
        code: `AADSTS${code}`,
        error: found.error ?? found.code,
        meaning: found.text('...', '...', '...', '...'),
      }
    : new Problem('not_found', 'this number is not one of ours', { check: 'request form' })
}

/** The id that a library gave its request, beside ours and never instead. */
function echo({ parameters, request }: Exchange): Readonly<Record<string, string>> {
  const sent = request.headers[requestId] ?? parameters.get(requestId)
  return {
    'x-ms-request-id': request.envelope.correlationId,
    ...(typeof sent === 'string' && /^[\x21-\x7e]{1,128}$/.test(sent) && { [requestId]: sent }),
  }
}
