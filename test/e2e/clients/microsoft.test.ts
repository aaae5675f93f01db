import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { hash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import type { Application } from '../../../src/core/applications/index.ts'
import { pkcs8, type Sender } from '../../support/senders.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { grant, holdCertificate, newApp, newCertificate, secretOf } from '../entra/world.ts'
import { partsOf } from '../token-server/world.ts'

const run = promisify(execFile)
const programs = join(import.meta.dirname, '..', '..', 'interop', 'programs')

let server: TestServer
let directory: string
let app: Application
let resource: Application
let secret: string
let certificate: Sender
let common: Record<string, string>
let pemFile: string
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'countersign-microsoft-'))
  server = await startTestServer()
  writeFileSync(join(directory, 'ca.pem'), server.ca)
  resource = await newApp(server, { idUri: 'api://orders', appRoles: [{ value: 'Orders.Read' }] })
  app = await newApp(server)
  await grant(server, app, resource, 'Orders.Read')
  secret = await secretOf(server, app)
  certificate = newCertificate('msal')
  await holdCertificate(server, app, certificate)
  pemFile = join(directory, 'client.pem')
  writeFileSync(pemFile, certificate.pem + pkcs8(certificate.pair))
  common = {
    AUTHORITY: `${server.url}/${server.tenant.guid}`,
    AUTHORITY_HOST: server.url,
    TENANT: server.tenant.guid,
    CLIENT_ID: app.clientId,
    SCOPE: 'api://orders/.default',
  }
})
after(async () => {
  await server.close()
  rmSync(directory, { recursive: true, force: true })
})

interface Outcome {
  readonly tokens: readonly string[]
  readonly errorCode?: string
  readonly errorMessage?: string
  readonly message?: string
  readonly expiresOnTimestamp?: number
}

/** Runs a program of a user: in a process of its own that trusts the root by NODE_EXTRA_CA_CERTS. */
async function client(program: string, env: Record<string, string>): Promise<Outcome> {
  const { stdout } = await run(process.execPath, [join(programs, `${program}.mjs`)], {
    env: { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: join(directory, 'ca.pem'), ...common, ...env },
  })
  return JSON.parse(stdout.trim().split('\n').at(-1)!)
}

/** Every token is good for the resource; `proof`: how the client has proven itself. */
function assertTokens({ tokens, ...rest }: Outcome, count: number, proof: '1' | '2'): void {
  assert.equal(tokens?.length, count, JSON.stringify(rest))
  for (const token of tokens) {
    const { claims } = partsOf(token)
    assert.deepEqual(
      [claims.aud, claims.azp, claims.azpacr, claims.roles, claims.tid],
      [resource.clientId, app.clientId, proof, ['Orders.Read'], server.tenant.guid],
    )
  }
  assert.equal(new Set(tokens).size, count)
}

const sha = (algorithm: string) => hash(algorithm, certificate.der, 'hex')
const withKey = (more: Record<string, string>) => ({
  CERTIFICATE: JSON.stringify({ privateKey: pkcs8(certificate.pair), ...more }),
})

test('@azure/msal-node gets tokens by secret', async () => {
  assertTokens(await client('msal', { SECRET: secret }), 3, '1')
})

test('@azure/msal-node gets tokens by certificate, named by SHA-256, by SHA-1, and with x5c', async () => {
  for (const named of [
    { thumbprintSha256: sha('sha256') },
    { thumbprint: sha('sha1') },
    { thumbprintSha256: sha('sha256'), x5c: certificate.pem },
  ])
    assertTokens(await client('msal', withKey(named)), 3, '2')
})

test('@azure/msal-node finds the tenant by its name as well', async () => {
  const AUTHORITY = `${server.url}/${server.tenant.name}`
  assertTokens(await client('msal', { SECRET: secret, AUTHORITY }), 3, '1')
})

test('@azure/msal-node tells its user the number of a refusal', async () => {
  const wrong = await client('msal', { SECRET: 'wrong' })
  assert.equal(wrong.errorCode, 'invalid_client')
  assert.match(wrong.errorMessage!, /Error\(s\): 7000215 - Timestamp: .* - Description: AADSTS7000215: /)
  const unknown = await client('msal', withKey({ thumbprintSha256: 'ab'.repeat(32) }))
  assert.match(unknown.errorMessage!, /700027.*Thumbprint of key used by client: '(AB){32}'/s)
  const scope = await client('msal', { SECRET: secret, SCOPE: 'api://orders/Orders.Read' })
  assert.match(scope.errorMessage!, /1002012/)
})

test('@azure/identity gets tokens by secret and by certificate, with its chain and without', async () => {
  const bySecret = await client('azure-identity', { SECRET: secret })
  assertTokens(bySecret, 1, '1')
  assert.ok(Math.abs(bySecret.expiresOnTimestamp! - Date.now() - 3_599_000) < 60_000)
  for (const SEND_CHAIN of ['false', 'true'])
    assertTokens(await client('azure-identity', { PEM_FILE: pemFile, SEND_CHAIN }), 1, '2')
})

test('@azure/identity needs nothing but its environment', async () => {
  const environment = {
    AZURE_AUTHORITY_HOST: server.url,
    AZURE_TENANT_ID: server.tenant.guid,
    AZURE_CLIENT_ID: app.clientId,
    AZURE_CLIENT_CERTIFICATE_PATH: pemFile,
  }
  assertTokens(await client('azure-identity', environment), 1, '2')
})

test('@azure/identity tells its user the number of a refusal', async () => {
  const refused = await client('azure-identity', { SECRET: 'wrong' })
  assert.match(refused.message!, /7000215/)
})
