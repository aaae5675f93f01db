import { lookup } from 'node:dns'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { createGuardedFetch } from '../../src/adapters/forward/fetch.ts'
import { createHttpApp } from '../../src/adapters/http/app.ts'
import type { Listener } from '../../src/adapters/http/request.ts'
import { mtlsServer, tlsServer } from '../../src/adapters/http/server.ts'
import { readIdentitySettings } from '../../src/app/camunda/read.ts'
import { composeIdentity } from '../../src/app/identity/compose.ts'
import { prepareIdentity } from '../../src/app/identity/initialize.ts'
import { createFetchJson } from '../../src/guard/fetch-json.ts'
import { issuerKey, signed } from './issuer.ts'
import { type Answer, type CallOptions, callUrl, startTestServer } from './server.ts'
import { tokenServer } from './token-server.ts'

export type AskWhole = (
  method: string,
  path: string,
  given?: CallOptions & { readonly json?: unknown },
) => Promise<Answer>

/** The whole server with its identity service as variables say, behind one listener. `ask` sends `json` as JSON. */
export async function wholeIdentity(
  t: TestContext,
  env: Record<string, string>,
  name: Listener['name'] = 'identity',
) {
  const world = await startTestServer()
  const { services } = world.server
  const { settings } = readIdentitySettings({ env, readSecretFile: () => '' })
  const outbound = createGuardedFetch()
  const identity = composeIdentity(settings!, {
    ...services,
    tenant: world.tenant,
    revocation: { check: () => undefined } as never,
    fetchJson: createFetchJson(outbound.fetch),
    lookup,
    publicRoots: () => [],
  })
  await prepareIdentity(settings!, services)
  const listenerOf = await createHttpApp({ ...services, identity })
  const close: (() => void)[] = []
  t.after(async () => {
    for (const one of close) one()
    await outbound.close()
    await world.close()
  })

  /** Asks at a port of its own, of that kind. */
  async function at(name: Listener['name']): Promise<AskWhole> {
    const make = name === 'identity' || name === 'mtls' ? mtlsServer : tlsServer
    const socket = make(world.identity, listenerOf({ name }))
    await new Promise<void>(resolve => socket.listen(0, '127.0.0.1', resolve))
    close.push(() => {
      socket.close()
      socket.closeAllConnections()
    })
    const url = `https://localhost:${(socket.address() as AddressInfo).port}`
    return (method, path, { json, headers, ...more } = {}) =>
      callUrl(`${url}${path}`, world.ca, {
        method,
        headers: { ...(json !== undefined && { 'Content-Type': 'application/json' }), ...headers },
        ...(json !== undefined && { body: JSON.stringify(json) }),
        ...more,
      })
  }
  return { world, identity, at, ask: await at(name) }
}

/** The same with tokens of an issuer for `api`; its own token is that of `service`. */
export async function oidc(t: TestContext, env: Record<string, string> = {}, name?: Listener['name']) {
  const key = await issuerKey('RS256', 'key-1')
  const issuer = 'https://issuer.example/v2.0'
  const token = (claims: Record<string, unknown>) => {
    const iat = Math.floor(Date.now() / 1000)
    return signed(key, { iss: issuer, aud: 'api', iat, exp: iat + 3600, sub: 'user', ...claims })
  }
  const server = await tokenServer(t, async ({ path }) => ({
    body:
      path === '/keys'
        ? { keys: [key.jwk] }
        : { access_token: await token({ sub: 'service' }), token_type: 'Bearer', expires_in: 3600 },
  }))
  const whole = await wholeIdentity(
    t,
    {
      CAMUNDA_SECURITY_AUTHENTICATION_METHOD: 'OIDC',
      CAMUNDA_IDENTITY_ISSUER: issuer,
      CAMUNDA_IDENTITY_AUDIENCE: 'api',
      CAMUNDA_IDENTITY_CLIENT_ID: 'service',
      CAMUNDA_SECURITY_AUTHENTICATION_OIDC_JWK_SET_URI: `${server.origin}/keys`,
      CAMUNDA_SECURITY_AUTHENTICATION_OIDC_TOKEN_URI: `${server.origin}/token`,
      ...env,
    },
    name,
  )
  return { ...whole, token }
}
