import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { createGuardedFetch } from '../../../src/adapters/forward/fetch.ts'
import { createHttpApp } from '../../../src/adapters/http/app.ts'
import type { Listener } from '../../../src/adapters/http/request.ts'
import { mtlsServer, tlsServer } from '../../../src/adapters/http/server.ts'
import { readIdentitySettings } from '../../../src/app/camunda/read.ts'
import { composeIdentity } from '../../../src/app/identity/compose.ts'
import { prepareIdentity } from '../../../src/app/identity/initialize.ts'
import { createFetchJson } from '../../../src/guard/fetch-json.ts'
import { password } from '../../support/identity.ts'
import { type CallOptions, callUrl, startTestServer } from '../../support/server.ts'

/** The whole server with its identity service as variables say, behind one listener. */
async function started(t: TestContext, env: Record<string, string>, name: Listener['name'] = 'identity') {
  const world = await startTestServer()
  const { services } = world.server
  const { settings } = readIdentitySettings({ env, readSecretFile: () => '' })
  const outbound = createGuardedFetch()
  const identity = composeIdentity(settings!, {
    ...services,
    tenant: world.tenant,
    revocation: { check: () => undefined } as never,
    fetchJson: createFetchJson(outbound.fetch),
    lookup: undefined as never,
    publicRoots: () => [],
  })
  await prepareIdentity(settings!, services)
  const listenerOf = await createHttpApp({ ...services, identity })
  const socket = (name === 'identity' || name === 'mtls' ? mtlsServer : tlsServer)(
    world.identity,
    listenerOf({ name }),
  )
  await new Promise<void>(resolve => socket.listen(0, '127.0.0.1', resolve))
  t.after(async () => {
    socket.close()
    socket.closeAllConnections()
    await outbound.close()
    await world.close()
  })
  const url = `https://localhost:${(socket.address() as AddressInfo).port}`
  const ask = async (method: string, path: string, given: CallOptions & { json?: unknown } = {}) => {
    const { json, headers, ...more } = given
    return callUrl(`${url}${path}`, world.ca, {
      method,
      headers: { ...(json !== undefined && { 'Content-Type': 'application/json' }), ...headers },
      ...(json !== undefined && { body: JSON.stringify(json) }),
      ...more,
    })
  }
  return { world, identity, ask }
}

const withUser = {
  CAMUNDA_SECURITY_INITIALIZATION_USERS_0_USERNAME: 'alice',
  CAMUNDA_SECURITY_INITIALIZATION_USERS_0_PASSWORD: password,
}

describe('the first administrator', () => {
  const json = { username: 'root', password }
  const setup = (headers: Record<string, string> = {}) => ({ json, headers })

  test('is made by nobody who comes by way of a proxy, or of a page of another site', async t => {
    const { ask } = await started(t, { SERVER_PORT: '0' }, 'public')
    for (const headers of [
      { 'X-Forwarded-Host': 'a' },
      { 'X-Envoy-External-Address': '1.2.3.4' },
      { 'CF-Connecting-IP': '1.2.3.4' },
      { Host: 'attacker.example:8080' },
      { Host: 'localhost.attacker.example' },
      { 'Sec-Fetch-Site': 'cross-site' },
    ] as Record<string, string>[])
      assert.equal((await ask('POST', '/v2/setup/user', setup(headers))).status, 403, JSON.stringify(headers))
    assert.equal((await ask('POST', '/v2/setup/user', setup())).status, 201)
  })

  test('is not made through the port of the proxies, however silent they are', async t => {
    const { ask } = await started(t, { SERVER_PORT: '0' }, 'proxy')
    assert.equal((await ask('POST', '/v2/setup/user', setup())).status, 403)
  })
})

describe('a session', () => {
  const form = { username: 'alice', password }

  test('that comes twice is not as if there were none', async t => {
    const { ask } = await started(t, {
      ...withUser,
      CAMUNDA_SECURITY_AUTHENTICATION_UNPROTECTEDAPI: 'true',
    })
    const { headers } = await ask('POST', '/login', { body: form })
    const [cookie] = String(headers['set-cookie']).split(';')
    const me = (Cookie: string) => ask('GET', '/v2/authentication/me', { headers: { Cookie } })
    assert.equal((await me(cookie!)).json().username, 'alice')
    assert.equal((await me(`${cookie}; camunda-session=tossed`)).status, 401)
    assert.equal((await me('camunda-session=tossed')).status, 401)
  })
})
