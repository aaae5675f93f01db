import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import {
  createInstance,
  createKey,
  type InstanceParameters,
  type KeyParameters,
} from '../../../src/core/broker/index.ts'
import type { Tenant } from '../../../src/core/tenant.ts'
import { orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { deployOrders, newTenant, partsOf, send } from '../token-server/world.ts'

type Key = Readonly<Record<string, unknown>> & { readonly clientid: string }

const run = promisify(execFile)
const programs = join(import.meta.dirname, '..', '..', 'interop', 'programs')

let server: TestServer
let directory: string
let endReceiver: () => void
let other: Tenant
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'countersign-sap-'))
  server = await startTestServer()
  writeFileSync(join(directory, 'ca.pem'), server.ca)
  other = await newTenant(server, 'other')
  endReceiver = await deployOrders(server, server.tenant, other)
})
after(async () => {
  endReceiver()
  await server.close()
  rmSync(directory, { recursive: true, force: true })
})

/** Runs a program of a user: in a process of its own that trusts the root by NODE_EXTRA_CA_CERTS. */
async function client<Answer = Record<string, unknown>>(
  program: string,
  env: Record<string, string>,
): Promise<Answer> {
  const { stdout } = await run(process.execPath, [join(programs, `${program}.mjs`)], {
    env: { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: join(directory, 'ca.pem'), ...env },
  })
  // The SDK writes its log on the same stream, before the answer.
  return JSON.parse(stdout.trim().split('\n').at(-1)!)
}

/** What the program left on its streams when it ended. */
const said = (words: RegExp) => (error: { stdout: string; stderr: string }) =>
  words.test(error.stdout + error.stderr)

let counter = 0

/** A service key, exactly as its sender gets it. */
async function keyOf(
  request: KeyParameters = {},
  parameters: InstanceParameters = {},
  tenant = server.tenant,
): Promise<Key> {
  const name = `sap-${++counter}`
  const { services } = server.server
  const wanted = { dialect: 'uaa', ...parameters }
  orThrow(await createInstance(tenant, { name, plan: 'integration-flow', parameters: wanted }, services))
  return orThrow(await createKey(tenant, name, 'key', request, services)).document as Key
}

const byCertificate = { 'key-type': 'certificate', validity: 1 }

async function tokenOf(key: Key): Promise<string> {
  const env = { BINDING: JSON.stringify(key) }
  return (await client<{ access_token: string }>('xssec-token', env)).access_token
}

test('@sap/xssec gets a token with nothing but the service key, by secret and by certificate', async () => {
  for (const request of [{}, byCertificate]) {
    const key = await keyOf(request)
    const answer = await client('xssec-token', { BINDING: JSON.stringify(key) })
    assert.equal(answer.token_type, 'bearer')
    assert.equal(answer.expires_in, 3600)
    assert.equal(answer.scope, 'ESBMessaging.send')
    const { header, claims } = partsOf(String(answer.access_token))
    assert.equal(header.alg, 'RS256')
    assert.equal(claims.cid, key.clientid)
    assert.equal(await send(server, String(answer.access_token)), 200)
  }
})

test('@sap-cloud-sdk/connectivity gets a token with nothing but the service key, by secret and by certificate', async () => {
  for (const request of [{}, byCertificate]) {
    const { token } = await client<{ token: string }>('sap-cloud-sdk', {
      BINDING: JSON.stringify(await keyOf(request)),
    })
    assert.equal(await send(server, token), 200)
  }
})

test('both see a refusal as a refusal', async () => {
  const key = { ...(await keyOf()), clientsecret: 'wrong' }
  for (const program of ['xssec-token', 'sap-cloud-sdk'])
    await assert.rejects(client(program, { BINDING: JSON.stringify(key) }), said(/401/))
  const scope = { BINDING: JSON.stringify(await keyOf()), SCOPE: 'none.such' }
  await assert.rejects(client('xssec-token', scope), /none\.such is invalid\. Please use a valid scope name/)
})

test('a receiving application with @sap/xssec accepts our token and reads who calls and what it may do', async () => {
  const receiver = await keyOf()
  for (const request of [{}, byCertificate]) {
    const sender = await keyOf(request)
    const env = { BINDING: JSON.stringify(receiver), TOKEN: await tokenOf(sender) }
    const told = await client('xssec-guard', env)
    const { serviceInstanceId, ...rest } = told
    assert.match(String(serviceInstanceId), /^[A-Za-z0-9_-]{22}$/)
    assert.deepEqual(rest, {
      clientId: sender.clientid,
      zid: server.tenant.guid,
      grantType: 'client_credentials',
      subAccountId: server.tenant.guid,
      scopes: ['ESBMessaging.send'],
      mayAct: true,
      mayActElse: false,
    })
  }
})

test('it refuses a token with a letter changed, for another application, and of another tenant', async () => {
  const receiver = await keyOf()
  const token = await tokenOf(await keyOf())
  const [head, body, signature] = token.split('.')
  const claims = partsOf(token).claims
  const inflated = { ...claims, scope: ['ESBMessaging.send', 'admin'] }
  const forged = `${head}.${Buffer.from(JSON.stringify(inflated)).toString('base64url')}.${signature}`
  const cut = `${head}.${body}.${signature!.slice(0, -8)}AAAAAAAA`
  const theirs = await server.token(
    (await keyOf({}, {}, other)) as unknown as Parameters<TestServer['token']>[0],
  )
  assert.equal(partsOf(theirs).claims.zid, other.guid)
  const BINDING = JSON.stringify(receiver)
  for (const TOKEN of [forged, cut])
    await assert.rejects(client('xssec-guard', { BINDING, TOKEN }), /Signature/)
  await assert.rejects(client('xssec-guard', { BINDING, TOKEN: theirs }), /WrongAudience/)
  const stranger = JSON.stringify({ ...receiver, clientid: 'sb-app!t1', xsappname: 'app!t1' })
  await assert.rejects(client('xssec-guard', { BINDING: stranger, TOKEN: token }), /WrongAudience/)
})

test('even as the same application, a token of another tenant finds no key to be good with', async () => {
  const sender = await keyOf({}, {}, other)
  const token = await server.token(sender as unknown as Parameters<TestServer['token']>[0])
  const own = await keyOf()
  // A binding to the sender's own id, so that nothing but the key set stands between them.
  const BINDING = JSON.stringify({ ...own, clientid: sender.clientid, xsappname: sender.xsappname })
  await assert.rejects(client('xssec-guard', { BINDING, TOKEN: token }), /JWKS endpoint.*400/)
  const right = JSON.stringify(sender)
  assert.equal((await client('xssec-guard', { BINDING: right, TOKEN: token })).clientId, sender.clientid)
})
