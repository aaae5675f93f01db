import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import type { Tenant } from '../../../src/core/tenant.ts'
import { type SentKey, startTestServer, type TestServer } from '../../support/server.ts'
import { deployOrders, newTenant } from '../token-server/world.ts'

const run = promisify(execFile)

let server: TestServer
let directory: string
let endReceiver: () => void
const senders: { tenant: Tenant; issuer: string; key: SentKey }[] = []
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'countersign-clients-'))
  server = await startTestServer()
  writeFileSync(join(directory, 'ca.pem'), server.ca)
  const other = await newTenant(server, 'other', 'RS256')
  endReceiver = await deployOrders(server, server.tenant, other)
  for (const [tenant, issuer] of [
    [server.tenant, server.url],
    [other, `${server.url}/tenants/other`],
  ] as const)
    senders.push({ tenant, issuer, key: await server.sender({ tenant }) })
})
after(async () => {
  endReceiver()
  await server.close()
  rmSync(directory, { recursive: true, force: true })
})

/** Runs a client as its user would: in a process of its own that trusts the root by NODE_EXTRA_CA_CERTS. */
async function client(program: string, env: Record<string, string>): Promise<Record<string, unknown>> {
  const path = join(import.meta.dirname, 'programs', `${program}.mjs`)
  const { stdout } = await run(process.execPath, [path], {
    env: { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: join(directory, 'ca.pem'), ...env },
  })
  return JSON.parse(stdout)
}

const credentialsOf = ({ issuer, key }: (typeof senders)[number]) => ({
  ISSUER: issuer,
  TOKEN_URL: key.tokenurl,
  CLIENT_ID: key.clientid,
  CLIENT_SECRET: key.clientsecret,
})

async function assertToken(answer: Record<string, unknown>): Promise<void> {
  assert.match(String(answer.token_type), /^bearer$/i)
  assert.equal(answer.scope, 'ESBMessaging.send')
  assert.equal(answer.expires_in, 3600)
  assert.match(String(answer.access_token), /^ey/)
}

for (const method of ['basic', 'post'])
  for (const algorithm of ['oauth2', 'oidc']) {
    test(`openid-client gets tokens by client_secret_${method} after ${algorithm} discovery`, async () => {
      for (const sender of senders) {
        const env = { ...credentialsOf(sender), METHOD: method, ALGORITHM: algorithm }
        await assertToken(await client('openid-client', env))
      }
    })

    test(`oauth4webapi gets, introspects and revokes tokens by client_secret_${method} after ${algorithm} discovery`, async () => {
      for (const sender of senders) {
        const env = { ...credentialsOf(sender), METHOD: method, ALGORITHM: algorithm }
        const answer = await client('oauth4webapi', env)
        await assertToken(answer)
        assert.equal(answer.activeBefore, true)
        assert.equal(answer.activeAfter, false)
      }
    })
  }

for (const method of ['basic', 'post'])
  test(`simple-oauth2 gets tokens by client_secret_${method}`, async () => {
    for (const sender of senders)
      await assertToken(await client('simple-oauth2', { ...credentialsOf(sender), METHOD: method }))
  })

test('these clients see a refusal as a refusal', async () => {
  for (const program of ['openid-client', 'oauth4webapi', 'simple-oauth2']) {
    const env = {
      ...credentialsOf(senders[0]!),
      CLIENT_SECRET: 'wrong',
      METHOD: 'basic',
      ALGORITHM: 'oauth2',
    }
    await assert.rejects(client(program, env), /401|invalid_client|Unauthorized|WWW-Authenticate/)
  }
})

test('jose and oauth4webapi verify a token with nothing but the issuer to start from', async () => {
  for (const { tenant, issuer, key } of senders) {
    const TOKEN = await server.token(key)
    const env = { ISSUER: issuer, TOKEN, AUDIENCE: key.url }
    const byJose = await client('jose', env)
    assert.equal(byJose.sub, key.clientid)
    assert.equal(byJose.alg, tenant.signingAlgorithm)
    assert.equal((await client('oauth4webapi-guard', env)).client_id, key.clientid)
  }
})

test('they refuse a token of another tenant, for another audience, or with a letter changed', async () => {
  const [ours, theirs] = senders
  const token = await server.token(ours!.key)
  const good = { ISSUER: ours!.issuer, TOKEN: token, AUDIENCE: ours!.key.url }
  for (const wrong of [
    { TOKEN: await server.token(theirs!.key) },
    { AUDIENCE: `${server.url}/admin/v1` },
    { TOKEN: token.replace(/\.ey/, '.eY') },
  ])
    for (const program of ['jose', 'oauth4webapi-guard'])
      await assert.rejects(client(program, { ...good, ...wrong }), JSON.stringify(wrong).slice(0, 40))
})

async function curlText(...args: string[]): Promise<string> {
  const trusted = ['--cacert', join(directory, 'ca.pem')]
  return (await run('curl', [...quietly, '--fail-with-body', ...trusted, ...args])).stdout
}

const quietly = ['--silent', '--show-error', '--noproxy', '*']

/** curl, with the root as its only trust. */
async function curl(...args: string[]): Promise<Record<string, unknown>> {
  const trusted = [
    '--silent',
    '--show-error',
    '--fail-with-body',
    '--noproxy',
    '*',
    '--cacert',
    join(directory, 'ca.pem'),
  ]
  return JSON.parse((await run('curl', [...trusted, ...args])).stdout)
}

test('curl gets a token in the first described form: grant_type in the query, nothing in the body', async () => {
  for (const { key } of senders) {
    const user = `${key.clientid}:${key.clientsecret}`
    await assertToken(await curl('-X', 'POST', '-u', user, `${key.tokenurl}?grant_type=client_credentials`))
  }
})

test('curl gets a token in the second described form: everything in the body', async () => {
  for (const { key } of senders) {
    const raw = `grant_type=client_credentials&client_id=${key.clientid}&client_secret=${key.clientsecret}`
    await assertToken(await curl('-d', raw, key.tokenurl))
    const encoded = Object.entries({ client_id: key.clientid, client_secret: key.clientsecret }).flatMap(
      ([name, value]) => ['--data-urlencode', `${name}=${value}`],
    )
    await assertToken(await curl('-d', 'grant_type=client_credentials', ...encoded, key.tokenurl))
  }
})

test('curl calls the flow with the token, and also with the key itself', async () => {
  for (const { key } of senders) {
    const user = `${key.clientid}:${key.clientsecret}`
    const { access_token } = await curl('-u', user, '-d', 'grant_type=client_credentials', key.tokenurl)
    const send = (...args: string[]) => curlText(...args, '-d', 'an order', `${key.url}/http/orders`)
    assert.equal(await send('-H', `Authorization: Bearer ${access_token}`), 'taken')
    assert.equal(await send('-u', user), 'taken')
    await assert.rejects(send('-u', `${key.clientid}:wrong`))
    await assert.rejects(send())
  }
})

test('a client that does not trust the root gets no token', async () => {
  const { key } = senders[0]!
  const user = `${key.clientid}:${key.clientsecret}`
  const request = ['-u', user, '-d', 'grant_type=client_credentials', key.tokenurl]
  await assert.rejects(run('curl', [...quietly, ...request]), /certificate/)
  const env = { ...credentialsOf(senders[0]!), METHOD: 'basic', ALGORITHM: 'oauth2' }
  await assert.rejects(client('openid-client', { ...env, NODE_EXTRA_CA_CERTS: '' }), /CERT|certificate/)
})
