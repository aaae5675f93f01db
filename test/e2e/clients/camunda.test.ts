import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { type Caller, createGuard, isProblem, type Problem } from '../../../src/guard/index.ts'
import { type SentKey, startTestServer, type TestServer } from '../../support/server.ts'
import { newTenant } from '../token-server/world.ts'

const run = promisify(execFile)
const programs = join(import.meta.dirname, '..', '..', 'interop', 'programs')

/** The REST API of Camunda as far as the clients call it here, behind our guard. */
interface Gateway {
  readonly url: string
  readonly calls: { readonly authorization: string | undefined; readonly who: Caller | Problem }[]
  close(): void
}

/** A sender of one tenant, and the gateway that accepts its tokens. */
interface World {
  readonly key: SentKey
  readonly gateway: Gateway
}

let server: TestServer
let directory: string
const worlds: World[] = []
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'countersign-camunda-'))
  server = await startTestServer()
  writeFileSync(join(directory, 'ca.pem'), server.ca)
  const other = await newTenant(server, 'other')
  for (const [tenant, issuer] of [
    [server.tenant, server.url],
    [other, `${server.url}/tenants/other`],
  ] as const) {
    const key = await server.sender({ tenant })
    worlds.push({ key, gateway: await startGateway(issuer, key.url) })
  }
})
after(async () => {
  for (const { gateway } of worlds) gateway.close()
  await server.close()
  rmSync(directory, { recursive: true, force: true })
})

async function startGateway(issuer: string, audience: string): Promise<Gateway> {
  const guard = createGuard({ issuer, audience, ca: server.ca })
  const calls: Gateway['calls'] = []
  const gateway = createServer(server.identity, async (request, response) => {
    assert.equal(`${request.method} ${request.url}`, 'GET /v2/topology')
    const who = await guard.checkRequest(request)
    calls.push({ authorization: request.headers.authorization, who })
    const refused = isProblem(who)
    const status = refused ? who.status : 200
    const type = refused ? 'application/problem+json' : 'application/json'
    response.writeHead(status, { 'Content-Type': type })
    response.end(JSON.stringify(refused ? { type: 'about:blank', title: 'Refused', status } : topology))
  })
  await new Promise<void>(resolve => gateway.listen(0, '127.0.0.1', resolve))
  return {
    url: `https://localhost:${(gateway.address() as AddressInfo).port}`,
    calls,
    close() {
      gateway.close()
      gateway.closeAllConnections()
    },
  }
}

const topology = {
  brokers: [],
  clusterId: null,
  clusterSize: 0,
  partitionsCount: 0,
  replicationFactor: 0,
  gatewayVersion: '8.8.0',
  lastCompletedChangeId: '0',
}

interface Wishes {
  readonly secret?: string
  readonly audience?: string
  readonly scope?: string
}

type Settings = Record<string, string>

const camundaSdk = {
  name: '@camunda8/sdk',
  program: 'camunda-sdk',
  refusal: (status: number, error: string) =>
    RegExp(`^Error requesting token for Client Id .*code ${status} .*"error":"${error}"`),
  untrusted: /^Error requesting token .*self-signed certificate/,
  settings: ({ key, gateway }: World, { secret, audience, scope }: Wishes): Settings => ({
    CAMUNDA_AUTH_STRATEGY: 'OAUTH',
    CAMUNDA_OAUTH_URL: key.tokenurl,
    // Sent as it is, where the standard wants it percent-encoded; so is the scope.
    CAMUNDA_ZEEBE_OAUTH_AUDIENCE: audience ?? key.url,
    ZEEBE_CLIENT_ID: key.clientid,
    ZEEBE_CLIENT_SECRET: secret ?? key.clientsecret,
    ZEEBE_REST_ADDRESS: gateway.url,
    CAMUNDA_TOKEN_DISK_CACHE_DISABLE: 'true',
    ...(scope && { CAMUNDA_TOKEN_SCOPE: scope }),
  }),
}

const orchestrationCluster: typeof camundaSdk = {
  name: '@camunda8/orchestration-cluster-api',
  program: 'camunda-orchestration-cluster',
  refusal: status => RegExp(`; TOKEN_FETCH_FAILED: .*: HTTP ${status}$`),
  untrusted: /; TOKEN_FETCH_FAILED: .*: fetch failed$/,
  settings: ({ key, gateway }, { secret, audience, scope }) => ({
    CAMUNDA_AUTH_STRATEGY: 'OAUTH',
    CAMUNDA_OAUTH_URL: key.tokenurl,
    CAMUNDA_TOKEN_AUDIENCE: audience ?? key.url,
    CAMUNDA_CLIENT_ID: key.clientid,
    CAMUNDA_CLIENT_SECRET: secret ?? key.clientsecret,
    CAMUNDA_REST_ADDRESS: gateway.url,
    // It repeats a request for a token even after a refusal, and waits ever longer in between.
    CAMUNDA_OAUTH_RETRY_MAX: '1',
    ...(scope && { CAMUNDA_OAUTH_SCOPE: scope }),
  }),
}

interface Outcome {
  readonly gatewayVersion?: string
  readonly message?: string
  readonly calls: Gateway['calls']
}

/** Runs a program of a user: in a process of its own that trusts the root by NODE_EXTRA_CA_CERTS. */
async function client(
  { program, settings }: typeof camundaSdk,
  world: World,
  wishes: Wishes = {},
  more: Settings = {},
): Promise<Outcome> {
  const { stdout } = await run(process.execPath, [join(programs, `${program}.mjs`)], {
    cwd: directory,
    env: {
      PATH: process.env.PATH,
      HOME: directory,
      NODE_EXTRA_CA_CERTS: join(directory, 'ca.pem'),
      ...settings(world, wishes),
      ...more,
    },
  })
  // The SDK writes its log on the same stream, before the answer.
  const answer = JSON.parse(stdout.trim().split('\n').at(-1)!)
  return { ...answer, calls: world.gateway.calls.splice(0) }
}

function assertServed({ gatewayVersion, message, calls }: Outcome, { key }: World): void {
  assert.equal(gatewayVersion, topology.gatewayVersion, message)
  assert.equal(calls.length, 1)
  const { authorization, who } = calls[0]!
  assert.match(authorization!, /^Bearer ey/)
  assert.ok(!isProblem(who), JSON.stringify(who))
  assert.equal(who.clientId, key.clientid)
  assert.deepEqual([who.claims.aud, who.claims.scope], [key.url, 'ESBMessaging.send'])
}

for (const tool of [camundaSdk, orchestrationCluster]) {
  test(`${tool.name} calls with a token that it got by secret, in every tenant, with a scope and without`, async () => {
    for (const world of worlds)
      for (const wishes of [{}, { scope: 'ESBMessaging.send' }])
        assertServed(await client(tool, world, wishes), world)
  })

  test(`${tool.name} fails, and no token of it arrives, when the secret, the audience or the scope is wrong`, async () => {
    const world = worlds[0]!
    for (const [wishes, status, error] of [
      [{ secret: 'wrong' }, 401, 'invalid_client'],
      // What both ask for when nobody tells them the audience.
      [{ audience: 'zeebe.camunda.io' }, 400, 'invalid_target'],
      [{ audience: worlds[1]!.key.url }, 400, 'invalid_target'],
      [{ scope: 'none.such' }, 400, 'invalid_scope'],
    ] as const) {
      const { gatewayVersion, message, calls } = await client(tool, world, wishes)
      assert.equal(gatewayVersion, undefined, JSON.stringify(wishes))
      assert.match(message!, tool.refusal(status, error))
      assert.deepEqual(
        calls.map(call => call.authorization).filter(sent => sent !== undefined),
        [],
      )
    }
  })

  test(`${tool.name} gets no token from a server whose root it does not trust`, async () => {
    const { message, calls } = await client(tool, worlds[0]!, {}, { NODE_EXTRA_CA_CERTS: '' })
    assert.match(message!, tool.untrusted)
    assert.deepEqual(calls, [])
  })
}

test('@camunda8/sdk trusts the root by its own setting, and the next process goes on with the token on the disk', async () => {
  const world = worlds[0]!
  const cache = join(directory, 'cache')
  const settings = {
    NODE_EXTRA_CA_CERTS: '',
    CAMUNDA_CUSTOM_ROOT_CERT_PATH: join(directory, 'ca.pem'),
    CAMUNDA_TOKEN_DISK_CACHE_DISABLE: 'false',
    CAMUNDA_TOKEN_CACHE_DIR: cache,
  }
  const first = await client(camundaSdk, world, {}, settings)
  assertServed(first, world)
  assert.equal(readdirSync(cache).length, 1)
  const second = await client(camundaSdk, world, {}, settings)
  assertServed(second, world)
  assert.equal(second.calls[0]!.authorization, first.calls[0]!.authorization)
})
