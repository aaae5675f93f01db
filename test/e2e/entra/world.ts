import assert from 'node:assert/strict'
import { hash, type KeyObject, randomUUID } from 'node:crypto'
import {
  type Application,
  addCertificate,
  addSecret,
  grantRole,
  registerApplication,
} from '../../../src/core/applications/index.ts'
import type { Tenant } from '../../../src/core/tenant.ts'
import { algorithm } from '../../../src/crypto/algorithms.ts'
import { keyPair, type Spec } from '../../support/chains.ts'
import { type Sender, selfSigned } from '../../support/senders.ts'
import { type Answer, type CallOptions, orThrow, type TestServer } from '../../support/server.ts'
import { forge } from '../token-server/world.ts'

export const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export type Claims = Record<string, unknown>

/** A certificate with its key, as the owner of an application has it: RSA, unless it is told otherwise. */
export const newCertificate = (cn = 'app', spec: Spec = {}): Sender => {
  const key = spec.key ?? keyPair('RSA 2048', ++pairs)
  const made = selfSigned(cn, { key, signer: key, ...spec })
  return { ...made, pair: key }
}
let pairs = 0

export const sha1Of = ({ der }: Pick<Sender, 'der'>): string => hash('sha1', der, 'base64url')

let counter = 0

export async function newApp(
  server: TestServer,
  more: Partial<Parameters<typeof registerApplication>[1]> = {},
  tenant: Tenant = server.tenant,
): Promise<Application> {
  return orThrow(
    await registerApplication(tenant, { name: `app-${++counter}`, ...more }, server.server.services),
  )
}

export async function secretOf(
  server: TestServer,
  app: Application,
  validityDays?: number,
  tenant: Tenant = server.tenant,
): Promise<string> {
  return orThrow(await addSecret(tenant, app.clientId, { validityDays }, server.server.services)).secret
}

export async function holdCertificate(
  server: TestServer,
  app: Application,
  certificate: Pick<Sender, 'pem'>,
): Promise<void> {
  orThrow(await addCertificate(server.tenant, app.clientId, certificate.pem, server.server.services))
}

export async function grant(
  server: TestServer,
  app: Application,
  resource: Pick<Application, 'clientId'>,
  role: string,
  tenant: Tenant = server.tenant,
): Promise<void> {
  const request = { application: app.clientId, resource: resource.clientId, role }
  orThrow(await grantRole(tenant, request, server.server.services))
}

/** The token endpoint of version 2, in the tenant's GUID. */
export const tokenUrl = (server: Pick<TestServer, 'url'>, { guid }: Tenant): string =>
  `${server.url}/${guid}/oauth2/v2.0/token`

/** A good assertion's claims, with others in their place; undefined leaves one out. */
export function claimsOf(server: TestServer, { clientId }: Application, more: Claims = {}): Claims {
  const now = Math.floor(server.now() / 1000)
  return {
    aud: tokenUrl(server, server.tenant),
    exp: now + 600,
    iss: clientId,
    sub: clientId,
    nbf: now,
    jti: randomUUID(),
    iat: now,
    ...more,
  }
}

/** An assertion as @azure/msal-node makes it, with what else its header is to say. */
export function signed(
  certificate: Pick<Sender, 'thumbprint' | 'pair'>,
  claims: Claims | string,
  header: Claims = {},
  key: KeyObject = certificate.pair.privateKey,
): string {
  const { alg = 'PS256', ...rest } = header
  const named = 'x5t' in rest || 'kid' in rest || 'x5c' in rest || 'x5t#S256' in rest
  return forge(
    algorithm(alg) ?? (() => Buffer.from('signature')),
    key,
    { alg, typ: 'JWT', ...(!named && { 'x5t#S256': certificate.thumbprint }), ...rest },
    claims,
  )
}

type More = CallOptions & { readonly path?: string; readonly query?: string }

/** A token request; a parameter that is undefined is left out. */
export function ask(
  server: TestServer,
  parameters: Record<string, string | undefined>,
  { path = `/${server.tenant.guid}/oauth2/v2.0/token`, query = '', ...options }: More = {},
): Promise<Answer> {
  const body = Object.entries({ grant_type: 'client_credentials', ...parameters }).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  )
  return server.call(path + query, { method: 'POST', body: Object.fromEntries(body), ...options })
}

export const withAssertion = (assertion: string): Record<string, string> => ({
  client_assertion_type: jwtBearer,
  client_assertion: assertion,
})

export function tokenOf(answer: Answer): string {
  assert.equal(answer.status, 200, answer.text)
  return answer.json<{ access_token: string }>().access_token
}

/** A refusal as libraries of Microsoft read it, with this number. */
export function assertNumber(
  answer: Answer,
  status: number,
  error: string,
  number: number,
  text?: RegExp,
): void {
  assert.equal(answer.status, status, answer.text)
  const body = answer.json<{
    error: string
    error_description: string
    error_codes: number[]
    timestamp: string
    trace_id: string
    correlation_id: string
    error_uri: string
  }>()
  assert.deepEqual([body.error, body.error_codes], [error, [number]], answer.text)
  const [said, trace, correlation, timestamp] = body.error_description.split('\r\n')
  assert.ok(said!.startsWith(`AADSTS${number}: `), said)
  assert.doesNotMatch(said!, /[^\x20\x21\x23-\x5b\x5d-\x7e]/)
  if (text) assert.match(said!, text)
  assert.equal(trace, `Trace ID: ${body.trace_id}`)
  assert.equal(correlation, `Correlation ID: ${body.correlation_id}`)
  assert.equal(timestamp, `Timestamp: ${body.timestamp}`)
  assert.match(body.timestamp, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/)
  assert.equal(body.correlation_id, answer.headers['x-correlation-id'])
  assert.ok(body.error_uri.endsWith(`/error?code=${number}`))
  assert.equal(answer.headers['cache-control'], 'no-store')
}
