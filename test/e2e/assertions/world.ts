import assert from 'node:assert/strict'
import { createPublicKey, type KeyObject, randomUUID } from 'node:crypto'
import type { InstanceParameters } from '../../../src/core/broker/index.ts'
import type { DecisionRecord } from '../../../src/core/explain/decision.ts'
import type { Tenant } from '../../../src/core/tenant.ts'
import { type Algorithm, algorithm, publicJwk } from '../../../src/crypto/algorithms.ts'
import { jwkThumbprint } from '../../../src/crypto/thumbprint.ts'
import { type HeldKey, newKey } from '../../support/senders.ts'
import { type Answer, type CallOptions, callUrl, type TestServer } from '../../support/server.ts'
import { forge, prefixOf } from '../token-server/world.ts'
import { decisionOf } from '../worker/world.ts'

export const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Whoever signs assertions: a key pair, and what the header says of it. */
export interface Signer {
  readonly alg: Algorithm
  readonly privateKey: KeyObject
  readonly header: Readonly<Record<string, unknown>>
}

/** A new key pair for this algorithm, called by its thumbprint unless another name is given. */
export function newSigner(alg = 'ES256', kid?: string): Signer {
  const row = algorithm(alg)!
  const privateKey = row.generate()
  return { alg: row, privateKey, header: { kid: kid ?? jwkThumbprint(publicJwk(privateKey)) } }
}

/** The public half as it is registered. */
export const jwkOf = ({ alg, privateKey, header }: Signer): Record<string, unknown> => ({
  ...publicJwk(privateKey),
  kid: header.kid,
  alg: alg.name,
})

export const publicPem = ({ privateKey }: Signer): string =>
  createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }) as string

/** A service key of type `jwks` that holds the public halves. */
export const registered = (
  server: TestServer,
  signers: readonly Signer[],
  parameters: InstanceParameters = {},
  tenant: Tenant = server.tenant,
): Promise<HeldKey> =>
  newKey(server, { 'key-type': 'jwks', jwks: { keys: signers.map(jwkOf) } }, parameters, tenant)

export type Claims = Record<string, unknown>

/** A good assertion's claims, with others in their place; undefined leaves one out. */
export function claimsOf(
  server: Pick<TestServer, 'url' | 'now'>,
  clientId: string,
  more: Claims = {},
): Claims {
  const now = Math.floor(server.now() / 1000)
  return {
    iss: clientId,
    sub: clientId,
    aud: server.url,
    exp: now + 60,
    iat: now,
    jti: randomUUID(),
    ...more,
  }
}

/** An assertion with the signer's header, and what else it is to say. */
export const signed = (signer: Signer, claims: Claims | string, header: Claims = {}): string =>
  forge(signer.alg, signer.privateKey, { alg: signer.alg.name, ...signer.header, ...header }, claims)

type Where = CallOptions & { readonly tenant?: Tenant; readonly mtls?: boolean; readonly path?: string }

/** Presents an assertion; at the token endpoint, unless another one is named. */
export function present(
  server: TestServer,
  assertion: string,
  parameters: Record<string, string> = {},
  { tenant = server.tenant, mtls = false, path = '/oauth/token', ...options }: Where = {},
): Promise<Answer> {
  return callUrl(`${mtls ? server.mtlsUrl : server.url}${prefixOf(tenant)}${path}`, server.ca, {
    method: 'POST',
    body: {
      ...(path === '/oauth/token' && { grant_type: 'client_credentials' }),
      client_assertion_type: jwtBearer,
      client_assertion: assertion,
      ...parameters,
    },
    ...options,
  })
}

export function assertToken(answer: Answer): void {
  assert.equal(answer.status, 200, answer.text)
}

const unknown = { error: 'invalid_client', error_description: 'client authentication failed' }

/** 401 that tells the caller nothing; the operator's record tells the reason. */
export async function assertRefused(
  server: TestServer,
  answer: Answer,
  reason: RegExp,
  tenantId?: string,
): Promise<DecisionRecord> {
  assert.equal(answer.status, 401, answer.text)
  const { error, error_description } = answer.json()
  assert.deepEqual({ error, error_description }, unknown)
  assert.equal(answer.headers['cache-control'], 'no-store')
  const record = await decisionOf({ server }, answer, tenantId)
  assert.match(record.reason, reason)
  return record
}
