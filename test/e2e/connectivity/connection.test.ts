import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { createServer, type TlsOptions } from 'node:tls'
import { type ConnectionReport, testConnection } from '../../../src/core/connectivity/index.ts'
import { importEntry } from '../../../src/core/keystore/index.ts'
import { isProblem } from '../../../src/core/problem.ts'
import type { Tenant } from '../../../src/core/tenant.ts'
import { encodeExtension } from '../../../src/crypto/extensions/extension.ts'
import { OID } from '../../../src/crypto/oids.ts'
import { type Ca, newRoot, pemOf, pkcs8, type Sender, selfSigned } from '../../support/senders.ts'
import { orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { newTenant } from '../token-server/world.ts'

const root = newRoot('root of servers')
const issuing = root.intermediate('issuing of servers')
const clients = newRoot('root of clients')
const otherClients = newRoot('another root of clients')
const serverOf = (ca: Ca, spec = {}, hosts = ['localhost']) =>
  ca.issue(
    { cn: 'server', extensions: { eku: undefined }, ...spec },
    hosts.map(value => ({ kind: 'dns', value })),
  )
const good = serverOf(issuing)

const ends: (() => void)[] = []
after(() => {
  for (const end of ends) end()
})

/** The port of a TLS server that shows these certificates. */
async function serving(own: Sender, sent: readonly Buffer[], options: TlsOptions = {}): Promise<number> {
  const server = createServer({ cert: pemOf(own.der, ...sent), key: pkcs8(own.pair), ...options }, socket =>
    socket.on('error', () => {}),
  )
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ends.push(() => server.close())
  return (server.address() as AddressInfo).port
}

let server: TestServer
/** Trusts nobody beyond what this computer does. */
let distrusting: Tenant
before(async () => {
  server = await startTestServer()
  distrusting = await newTenant(server, 'distrusting')
  for (const [alias, content] of [
    ['root', root.pem],
    ['ours', pemOf(ours.der) + pkcs8(ours.pair)],
    ['theirs', pemOf(theirs.der) + pkcs8(theirs.pair)],
  ] as const)
    await imported(server.tenant, alias, content)
})
after(() => server.close())

const imported = async (tenant: Tenant, alias: string, file: string) =>
  orThrow(await importEntry(tenant, alias, { file }, server.server.services))

const [ours, theirs] = [clients.issue(), otherClients.issue()]

type Request = Partial<Parameters<typeof testConnection>[1]> & { readonly tenant?: Tenant }

const attempt = (address: string, { tenant = server.tenant, ...more }: Request = {}) =>
  testConnection(tenant, { address, verify: true, ...more }, server.server.services)
const tried = async (address: string, request?: Request): Promise<ConnectionReport> =>
  orThrow(await attempt(address, request))

const outcomes = ({ checks }: ConnectionReport) =>
  Object.fromEntries(checks.map(({ name, outcome }) => [name, outcome]))
const rolesOf = ({ certificates }: ConnectionReport) =>
  certificates.map(({ role, sent }) => `${role}${sent ? '' : ' (known here)'}`)

describe('a server that is in order', () => {
  test('works: names, addresses, version, cipher, and the chain, completed by the root', async () => {
    const port = await serving(good, [issuing.der])
    const report = await tried(`https://localhost:${port}/path`)
    assert.deepEqual(
      [report.host, report.port, report.works, report.reason],
      ['localhost', port, true, undefined],
    )
    assert.ok(report.addresses.includes('127.0.0.1'))
    assert.equal(report.address, '127.0.0.1')
    assert.equal(report.protocol, 'TLSv1.3')
    assert.match(report.cipher!, /^TLS_/)
    assert.deepEqual(rolesOf(report), ['leaf', 'intermediate', 'root (known here)'])
    assert.equal(report.certificates[0]!.daysLeft, 89)
    assert.equal(report.asksForCertificate, false)
    assert.ok(Object.values(outcomes(report)).every(outcome => outcome === 'passed'))
  })

  test('may be named by host and port, too', async () => {
    const port = await serving(good, [issuing.der])
    for (const report of [await tried(`localhost:${port}`), await tried('localhost', { port })])
      assert.ok(report.works, report.reason)
  })

  test('that sends its root as well is shown as it is', async () => {
    const report = await tried('localhost', { port: await serving(good, [issuing.der, root.der]) })
    assert.deepEqual(rolesOf(report), ['leaf', 'intermediate', 'root'])
  })
})

describe('a server that is not trusted', () => {
  const port = serving(good, [issuing.der])

  test('by its root, which is named, with what to do', async () => {
    const report = await tried('localhost', { port: await port, tenant: distrusting })
    assert.equal(report.works, false)
    assert.match(report.missingRoot!, /root of servers/)
    assert.match(report.hint!, /keystore import ALIAS FILE/)
    assert.deepEqual(rolesOf(report), ['leaf', 'intermediate'])
    assert.equal(outcomes(report)['certificate trusted'], 'failed')
    assert.equal(outcomes(report)['host name'], 'passed')
  })

  test('by an impostor of the same name', async () => {
    const impostor = newRoot('', { subject: root.subject })
    const tenant = await newTenant(server, 'deceived')
    await imported(tenant, 'impostor', impostor.pem)
    assert.equal((await tried('localhost', { port: await port, tenant })).works, false)
  })

  test('because it does not send its intermediate, which is named', async () => {
    const report = await tried('localhost', { port: await serving(good, []) })
    assert.match(report.missingRoot!, /issuing of servers/)
  })

  test('because it has ended, is self-signed, or is one of a client', async () => {
    const ended = serverOf(root, { notBefore: Date.now() - 2e9, notAfter: Date.now() - 1e9 })
    const over = await tried('localhost', { port: await serving(ended, []) })
    assert.match(over.hint!, /ended on .*: its operator has to renew it/)
    assert.ok(over.certificates[0]!.daysLeft < 0)
    const own = selfSigned('localhost')
    assert.equal((await tried('localhost', { port: await serving(own, []) })).works, false)
    const client = root.issue({ cn: 'client' }, [{ kind: 'dns', value: 'localhost' }])
    assert.match(
      (await tried('localhost', { port: await serving(client, []) })).reason!,
      /extKeyUsage|serverAuth/,
    )
  })

  test('because its certificate cannot be read', async () => {
    for (const [name, oid] of [
      ['eku', OID.extKeyUsage],
      ['san', OID.subjectAltName],
    ] as const) {
      const spoilt = { eku: undefined, [name]: encodeExtension(oid, false, Buffer.from('0500', 'hex')) }
      const broken = root.issue({ cn: 'broken', extensions: spoilt })
      const report = await tried('localhost', { port: await serving(broken, []) })
      assert.equal(report.works, false)
      assert.equal(outcomes(report)['certificate trusted'], 'failed')
    }
  })

  test('works all the same where that does not matter', async () => {
    const report = await tried('localhost', { port: await port, tenant: distrusting, verify: false })
    assert.equal(report.works, true)
    assert.equal(outcomes(report)['certificate trusted'], 'failed')
  })
})

describe('the host name', () => {
  test('must be one of the certificate; wildcards stand for one label', async () => {
    const port = await serving(serverOf(root, {}, ['erp.example', '*.flows.example']), [])
    const report = await tried('localhost', { port })
    assert.match(report.reason!, /not for localhost, but for erp\.example, \*\.flows\.example/)
    assert.equal(outcomes(report)['certificate trusted'], 'passed')
    assert.equal((await tried('localhost', { port, verify: false })).works, true)
  })

  test('and the chain each have a reason of their own, also where neither has to be right', async () => {
    const port = await serving(serverOf(root, {}, ['erp.example']), [])
    for (const [tenant, verify, failed] of [
      [distrusting, true, ['certificate trusted', 'host name']],
      [distrusting, false, ['certificate trusted', 'host name']],
      [server.tenant, false, ['host name']],
    ] as const) {
      const { checks, works } = await tried('localhost', { port, tenant, verify })
      assert.equal(works, !verify)
      const told = Object.fromEntries(checks.flatMap(({ name, reason }) => (reason ? [[name, reason]] : [])))
      assert.deepEqual(Object.keys(told), failed)
      assert.equal(told['host name'], 'the certificate is not for localhost, but for erp.example')
      assert.ok(checks.every(({ outcome, reason }) => (outcome === 'failed') === (reason !== undefined)))
    }
  })
})

describe('a client certificate', () => {
  const asking = { requestCert: true, rejectUnauthorized: true, ca: [clients.pem] }

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    test(`that is asked for is shown, missed or refused, with the names of those it may come from, in ${version}`, async () => {
      const port = await serving(good, [issuing.der], { ...asking, maxVersion: version })
      const without = await tried('localhost', { port })
      assert.equal(without.works, false)
      assert.match(without.reason!, /wants a client certificate|did not accept/)
      const shown = await tried('localhost', { port, clientCertificate: 'ours' })
      assert.ok(shown.works, shown.reason)
      for (const report of [without, shown]) {
        assert.equal(report.asksForCertificate, true)
        assert.equal(report.acceptedAuthorities.length, 1)
        assert.match(report.acceptedAuthorities[0]!, /root of clients/)
        assert.equal(report.certificates.length, 3)
      }
      const refused = await tried('localhost', { port, clientCertificate: 'theirs' })
      assert.match(refused.reason!, /did not accept the client certificate theirs/)
      assert.equal(outcomes(refused)['host name'], 'passed')
    })

  test('that has ended or is not good yet is named with its dates, also where it is taken', async () => {
    const day = 86_400_000
    for (const [alias, from, words] of [
      ['ended', -3, /keystore entry ended has ended: its dates are \d{4}-.* to \d{4}-/],
      ['early', 1, /keystore entry early is not good yet: its dates are \d{4}-.* to \d{4}-/],
    ] as const) {
      const notBefore = Date.now() + from * day
      const { der, pair } = clients.issue({ notBefore, notAfter: notBefore + 2 * day })
      await imported(server.tenant, alias, pemOf(der) + pkcs8(pair))
      const port = await serving(good, [issuing.der], asking)
      const refused = await tried('localhost', { port, clientCertificate: alias })
      assert.match(refused.reason!, /did not accept the client certificate/)
      assert.match(refused.reason!, words)
      const careless = await serving(good, [issuing.der], { ...asking, rejectUnauthorized: false })
      const taken = await tried('localhost', { port: careless, clientCertificate: alias })
      assert.ok(taken.works, taken.reason)
      assert.match(taken.hint!, words)
    }
  })

  test('that nobody asks for is not shown, and that is told', async () => {
    const report = await tried('localhost', {
      port: await serving(good, [issuing.der]),
      clientCertificate: 'ours',
    })
    assert.match(report.reason!, /asked for no client certificate, so ours was not shown/)
  })

  test('that is not in the keystore is told before anything is called', async () => {
    const found = await attempt('localhost', { clientCertificate: 'x' })
    assert.ok(isProblem(found))
    assert.equal(found.code, 'not_found')
  })
})

describe('where there is no such server', () => {
  test('each step that failed is told apart', async () => {
    const http = createHttpServer((_request, response) => response.end('plain')).listen(0, '127.0.0.1')
    const silent = createTcpServer(socket => socket.destroy()).listen(0, '127.0.0.1')
    const free = createTcpServer().listen(0, '127.0.0.1')
    await Promise.all([http, silent, free].map(server => once(server, 'listening')))
    const [httpPort, silentPort, closed] = [http, silent, free].map(
      each => (each.address() as AddressInfo).port,
    )
    free.close()
    ends.push(
      () => http.close(),
      () => silent.close(),
    )
    for (const [address, port, failedStep, hint] of [
      ['localhost', closed, 'connection', /Nothing listens there/],
      ['localhost', httpPort, 'tls', /speak TLS/],
      ['localhost', silentPort, 'tls', /speak TLS/],
      ['no-such-host.invalid', 443, 'name', /DNS/],
    ] as const) {
      const report = await tried(address, { port: port! })
      assert.equal(report.works, false)
      assert.match(report.hint!, hint)
      const told = outcomes(report)
      assert.equal(told[failedStep], 'failed')
      assert.equal(told['host name'], 'not reached')
      assert.deepEqual(report.certificates, [])
    }
  })

  test('what is no address, and link-local ones, are refused', async () => {
    for (const [address, reason] of [
      ['http://localhost', /only TLS/],
      ['a b', /no host/],
      ['', /no host/],
      ['169.254.169.254', /link-local/],
      ['https://[fe80::1]/', /link-local/],
      ['fe80::1', /link-local/],
      ['localhost:99999', /no host/],
    ] as const) {
      const found = await attempt(address)
      assert.ok(isProblem(found), address)
      assert.match(found.description, reason)
    }
  })
})
