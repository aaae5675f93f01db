import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client } from '../clients/index.ts'
import { authorize } from './authorize.ts'
import type { Caller } from './caller.ts'

const worker = 'https://localhost:8443'
const client: Client = {
  credentialId: 'cred',
  generation: 1,
  clientId: 'me',
  tenantId: 't',
  instanceId: 'i',
  instanceName: 'orders-erp',
  keyName: 'k',
  plan: 'integration-flow',
  dialect: 'standard',
  roles: new Set(['A.send', 'B.send']),
  grantTypes: ['client_credentials'],
  tokenValidity: 3600,
  tokenFormat: 'jwt',
  bindTokens: false,
  type: 'secret',
  secretDigest: undefined,
  previousSecret: undefined,
  assertionAudience: 'issuer',
  assertionReplay: 'refused',
  pinned: true,
  certificates: [],
  createdAt: 0,
  expiresAt: undefined,
}
const caller = (changed: Partial<Caller> = {}): Caller => ({
  client,
  by: 'token',
  roles: client.roles,
  audience: worker,
  token: undefined,
  ...changed,
})

test('one of the roles asked for is enough, in its exact spelling', () => {
  assert.equal(authorize(caller(), worker, ['A.send']), undefined)
  assert.equal(authorize(caller(), worker, ['C.send', 'B.send']), undefined)
  for (const role of ['a.send', 'A.SEND', 'A.sen', 'A.send ', 'C.send', ''])
    assert.equal(authorize(caller(), worker, [role])?.code, 'insufficient_scope', role)
  assert.equal(authorize(caller(), worker, [])?.code, 'insufficient_scope', 'no role is not everybody')
})

test('a token without the role that its instance has is told apart from an instance without it', () => {
  const narrowed = authorize(caller({ roles: new Set(['A.send']) }), worker, ['B.send'])
  assert.match(
    narrowed?.reason ?? '',
    /token carries A\.send; instance orders-erp has B\.send, but the token does not/,
  )
  assert.match(narrowed?.hint ?? '', /without `scope`/)
  const lacking = authorize(caller(), worker, ['C.send'])
  assert.match(lacking?.reason ?? '', /asks for C\.send; instance orders-erp has A\.send, B\.send/)
  assert.match(
    lacking?.hint ?? '',
    /instance update orders-erp --role A\.send --role B\.send --role C\.send$/,
    'the command keeps the roles that are there',
  )
  const none = authorize(caller({ client: { ...client, roles: new Set() }, roles: new Set() }), worker, [
    'C.send',
  ])
  assert.match(none?.reason ?? '', /has no roles/)
})

test('a credential for another resource is refused before roles are looked at', () => {
  for (const audience of [
    `${worker}/admin/v1`,
    `${worker}/`,
    'https://localhost',
    '',
    `${worker}/tenants/acme`,
  ]) {
    const byToken = authorize(caller({ audience }), worker, ['A.send'])
    assert.equal(byToken?.code, 'invalid_token', audience)
    assert.equal(byToken?.check, 'audience')
    const bySecret = authorize(caller({ audience, by: 'secret' }), worker, ['A.send'])
    assert.equal(bySecret?.code, 'insufficient_scope', audience)
  }
})

test('a refusal names the caller', () => {
  for (const refused of [authorize(caller(), 'elsewhere', []), authorize(caller(), worker, ['C.send'])])
    assert.deepEqual(refused?.subject, {
      clientId: 'me',
      credentialId: 'cred',
      instance: 'orders-erp',
      key: 'k',
    })
})
