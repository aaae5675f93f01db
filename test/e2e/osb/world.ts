import { createKey } from '../../../src/core/broker/index.ts'
import { catalog } from '../../../src/core/broker/osb/index.ts'
import type { Tenant } from '../../../src/core/tenant.ts'
import {
  type Answer,
  basic,
  type CallOptions,
  callUrl,
  orThrow,
  type TestServer,
} from '../../support/server.ts'
import { assertPublished } from './judge.ts'

export type Json = Record<string, unknown>

const [offering] = catalog.services
export const service_id = offering!.id
const planIds = Object.fromEntries(offering!.plans.map(({ name, id }) => [name, id]))
export const flowPlan = planIds['integration-flow']!
export const apiPlan = planIds.api!
export const ofFlowPlan = { service_id, plan_id: flowPlan }
export const ofApiPlan = { service_id, plan_id: apiPlan }
export const asQuery = (reference: Json): string =>
  `?${new URLSearchParams(reference as Record<string, string>)}`

/** What Cloud Foundry sends beside plan and parameters. */
export const place = {
  organization_guid: 'org-1',
  space_guid: 'space-1',
  context: { platform: 'cloudfoundry', organization_guid: 'org-1', space_guid: 'space-1' },
}

type Send = (path: string, options: CallOptions) => Promise<Answer>

/** Sends requests to a service broker as they stand. Every answer is judged. */
export function judging(send: Send): Send {
  return async (path, options) => {
    const answer = await send(path, options)
    assertPublished(options.method ?? 'GET', path.replace(/^(\/tenants\/[^/]+)?\/osb/, ''), answer)
    return answer
  }
}

/** A platform that was registered with a service key of plan `api`. Every answer is judged. */
export interface Platform {
  /** `path` is below `/osb`; a body is sent as JSON. */
  call(method: string, path: string, body?: Json, headers?: Record<string, string>): Promise<Answer>
  provision(id: string, more?: Json): Promise<Answer>
  bind(instance: string, id: string, more?: Json): Promise<Answer>
}

export function platformWith(send: Send): Platform {
  const judged = judging(send)
  function call(method: string, path: string, body?: Json, headers = {}): Promise<Answer> {
    return judged(`/osb${path}`, {
      method,
      headers: {
        'X-Broker-API-Version': '2.17',
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  }
  return {
    call,
    provision: (id, more = {}) =>
      call('PUT', `/v2/service_instances/${id}`, { ...ofFlowPlan, ...place, ...more }),
    bind: (instance, id, more = {}) =>
      call('PUT', `/v2/service_instances/${instance}/service_bindings/${id}`, { ...ofFlowPlan, ...more }),
  }
}

/** By Basic, at the public address; `prefix` is `/tenants/NAME`. */
export function platformBySecret(
  server: Pick<TestServer, 'call'>,
  key: { clientid: string; clientsecret: string },
  prefix = '',
): Platform {
  return platformWith((path, options) =>
    server.call(`${prefix}${path}`, {
      ...options,
      headers: { Authorization: basic(key), ...options.headers },
    }),
  )
}

/** By certificate, at the address that asks for one. */
export async function platformByCertificate(
  server: TestServer,
  instance: string,
  tenant: Tenant = server.tenant,
  prefix = '',
): Promise<Platform> {
  const parameters = { 'key-type': 'certificate', 'key-length': 256 }
  const { document } = orThrow(
    await createKey(tenant, instance, 'platform', parameters, server.server.services),
  )
  const certificate = { cert: String(document.certificate), key: String(document.key) }
  return platformWith((path, options) =>
    callUrl(`${server.mtlsUrl}${prefix}${path}`, server.ca, { ...options, certificate }),
  )
}

/** The roles that a platform needs to make instances of both plans in these tests. */
export const platformRoles = ['CredentialsEdit', 'CredentialsRead', 'MonitoringDataRead']

export interface Credentials {
  readonly clientid: string
  readonly clientsecret: string
  readonly tokenurl: string
  readonly url: string
  readonly certificate: string
  readonly key: string
  readonly createdate: string
  readonly certificatedetails: { readonly validuntil: string }
}

export const credentialsOf = (answer: Answer): Credentials =>
  answer.json<{ credentials: { oauth: Credentials } }>().credentials.oauth

let count = 0
/** A new id, like those that platforms make. */
export const guid = (): string => `00000000-0000-4000-8000-${String(++count).padStart(12, '0')}`

export const described = (answer: Answer): string => answer.json<{ description: string }>().description
