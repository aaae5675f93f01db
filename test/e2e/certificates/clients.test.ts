import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { deleteKey } from '../../../src/core/broker/index.ts'
import { holds, issued, newRoot, trust } from '../../support/senders.ts'
import { orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { deployOrders } from '../token-server/world.ts'

const run = promisify(execFile)

/** A sender's files, as they are handed out, and where it goes with them. */
interface Files {
  readonly name: string
  readonly clientid: string
  readonly tokenurl: string
  readonly flow: string
  readonly certificate: string
  readonly key: string
  readonly p12: string
}

let server: TestServer
let directory: string
let ca: string
let endReceiver: () => void
/** An issued certificate, P-256 and RSA, one that its sender brought, and one whose tokens are bound. */
const senders: Files[] = []
let deleted: Files
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'countersign-mtls-clients-'))
  server = await startTestServer()
  endReceiver = await deployOrders(server)
  ca = write('ca.pem', server.ca)
  const root = newRoot('brought')
  await trust(server, root)
  const own = root.intermediate('lower').issue()
  const key = await holds(server, own, { 'allow-untrusted': true })
  senders.push(
    await filesOf('issued', await issued(server)),
    await filesOf('rsa', await issued(server, { 'key-length': 2048 })),
    await filesOf('brought', { ...key, ...own }),
    await filesOf('bound', await issued(server, {}, { bindTokens: true })),
  )
  const gone = await issued(server)
  deleted = await filesOf('deleted', gone)
  orThrow(await deleteKey(server.tenant, gone.instance, 'key', server.server.services))
})
after(async () => {
  endReceiver()
  await server.close()
  rmSync(directory, { recursive: true, force: true })
})

function write(name: string, content: string): string {
  const path = join(directory, name)
  writeFileSync(path, content, { mode: 0o600 })
  return path
}

async function filesOf(
  name: string,
  sender: {
    readonly clientid: string
    readonly tokenurl: string
    readonly url: string
    readonly credential: { readonly cert: string; readonly key: string }
  },
): Promise<Files> {
  const certificate = write(`${name}.pem`, sender.credential.cert)
  const key = write(`${name}-key.pem`, sender.credential.key)
  const p12 = join(directory, `${name}.p12`)
  const store = ['pkcs12', '-export', '-passout', 'pass:changeit', '-out', p12]
  await run('openssl', [...store, '-in', certificate, '-inkey', key])
  const { clientid, tokenurl, url } = sender
  return { name, clientid, tokenurl, flow: `${url}/http/orders`, certificate, key, p12 }
}

async function curl(...args: string[]): Promise<string> {
  const always = ['--silent', '--show-error', '--fail-with-body', '--noproxy', '*', '--cacert', ca]
  return (await run('curl', [...always, ...args])).stdout
}

const grant = ['-d', 'grant_type=client_credentials']

test('curl --cert gets a token, and calls the flow with the certificate alone and with the token', async () => {
  for (const { clientid, tokenurl, flow, certificate, key } of senders) {
    const own = ['--cert', certificate, '--key', key]
    const { access_token } = JSON.parse(await curl(...own, ...grant, tokenurl))
    await curl(...own, ...grant, '--data-urlencode', `client_id=${clientid}`, tokenurl)
    assert.equal(await curl(...own, '-d', 'an order', flow), 'taken')
    assert.equal(
      await curl(...own, '-H', `Authorization: Bearer ${access_token}`, '-d', 'an order', flow),
      'taken',
    )
  }
})

test('curl does so with a PKCS#12 file, over TLS 1.2, and with several requests on one connection', async () => {
  const [{ tokenurl, flow, certificate, key, p12 }] = senders as [Files]
  const store = ['--cert-type', 'P12', '--cert', `${p12}:changeit`]
  assert.equal(await curl(...store, '-d', 'an order', flow), 'taken')
  const own = ['--cert', certificate, '--key', key]
  assert.equal(await curl(...own, '--tls-max', '1.2', '-d', 'an order', flow), 'taken')
  assert.equal(await curl(...own, '-d', 'an order', flow, flow, flow), 'takentakentaken')
  await curl(...own, ...grant, tokenurl, tokenurl)
})

test('curl is told by the status when its key was deleted, or it has no certificate', async () => {
  const { tokenurl, flow, certificate, key } = deleted
  const own = ['--cert', certificate, '--key', key]
  await assert.rejects(curl(...own, ...grant, tokenurl), /401/)
  await assert.rejects(curl(...own, '-d', 'an order', flow), /401/)
  await assert.rejects(curl(...grant, tokenurl), /401/)
  await assert.rejects(curl('-d', 'an order', flow), /401/)
})

test('a token that is bound is refused to curl without the certificate, and with that of another', async () => {
  const [other, , , bound] = senders as [Files, Files, Files, Files]
  const own = ['--cert', bound.certificate, '--key', bound.key]
  const { access_token } = JSON.parse(await curl(...own, ...grant, bound.tokenurl))
  const send = ['-H', `Authorization: Bearer ${access_token}`, '-d', 'an order', bound.flow]
  assert.equal(await curl(...own, ...send), 'taken')
  await assert.rejects(curl(...send), /401/)
  await assert.rejects(curl('--cert', other.certificate, '--key', other.key, ...send), /401/)
})

/** What comes back for a request that is written as it stands. */
async function sClient(head: string, ...args: string[]): Promise<string> {
  const to = `localhost:${new URL(server.mtlsUrl).port}`
  const always = ['s_client', '-quiet', '-verify_return_error', '-CAfile', ca, '-connect', to]
  const child = spawn('openssl', [...always, ...args], { stdio: ['pipe', 'pipe', 'ignore'] })
  child.stdin.write(head)
  let text = ''
  for await (const chunk of child.stdout.setEncoding('utf8')) text += chunk
  return text
}

const raw = (path: string, body: string) =>
  [
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    'Content-Type: application/x-www-form-urlencoded',
    `Content-Length: ${body.length}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n')

test('openssl s_client gets a token and calls the flow with a request written by hand', async () => {
  for (const { certificate, key } of senders)
    for (const version of ['-tls1_2', '-tls1_3']) {
      const own = ['-cert', certificate, '-cert_chain', certificate, '-key', key, version]
      const token = await sClient(raw('/oauth/token', 'grant_type=client_credentials'), ...own)
      assert.match(token, /^HTTP\/1\.1 200 OK\r\n/)
      assert.match(token, /"access_token":"ey/)
      assert.match(await sClient(raw('/http/orders', 'an order'), ...own), /^HTTP\/1\.1 200 OK.*taken$/s)
    }
  const gone = ['-cert', deleted.certificate, '-key', deleted.key]
  assert.match(await sClient(raw('/http/orders', 'an order'), ...gone), /^HTTP\/1\.1 401 /)
  assert.match(await sClient(raw('/http/orders', 'an order')), /^HTTP\/1\.1 401 /)
})

/** Runs a client as its user would: in a process of its own. */
async function client(program: string, { clientid, tokenurl, flow, certificate, key }: Files) {
  const path = join(import.meta.dirname, '../clients/programs', `${program}.mjs`)
  const { stdout } = await run(process.execPath, [path], {
    env: {
      PATH: process.env.PATH,
      ISSUER: server.url,
      CLIENT_ID: clientid,
      TOKEN_URL: tokenurl,
      FLOW_URL: flow,
      CERTIFICATE_FILE: certificate,
      KEY_FILE: key,
      CA_FILE: ca,
    },
  })
  return JSON.parse(stdout) as Record<string, unknown>
}

for (const program of ['openid-client-mtls', 'undici-mtls'])
  test(`${program.replace('-mtls', '')} gets a token over mTLS and calls the flow`, async () => {
    for (const sender of senders) {
      const answer = await client(program, sender)
      assert.match(String(answer.token_type), /^bearer$/i)
      assert.match(String(answer.access_token), /^ey/)
      assert.equal(answer.status, 200)
    }
  })

test('oauth4webapi gets a token over mTLS, calls the flow, introspects and revokes what it got', async () => {
  for (const sender of senders) {
    const answer = await client('oauth4webapi-mtls', sender)
    assert.match(String(answer.token_type), /^bearer$/i)
    assert.match(String(answer.access_token), /^ey/)
    assert.deepEqual([answer.status, answer.activeBefore, answer.activeAfter], [200, true, false])
  }
})

test('all of them see a refusal as a refusal', async () => {
  for (const program of ['openid-client-mtls', 'oauth4webapi-mtls'])
    await assert.rejects(client(program, deleted), /401|invalid_client|Unauthorized|WWW-Auth/)
  const { error, status } = await client('undici-mtls', deleted)
  assert.deepEqual({ error, status }, { error: 'invalid_client', status: 401 })
})
