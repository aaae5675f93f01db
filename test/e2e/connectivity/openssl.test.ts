import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { testConnection } from '../../../src/core/connectivity/index.ts'
import { importEntry } from '../../../src/core/keystore/index.ts'
import { newRoot, pemOf, pkcs8 } from '../../support/senders.ts'
import { orThrow, startTestServer, type TestServer } from '../../support/server.ts'

// `openssl s_server` at the other end: a TLS of others, with its own ways.
const root = newRoot('root of openssl')
const issuing = root.intermediate('issuing of openssl')
const clients = newRoot('root of its clients')
const own = clients.issue({ cn: 'ours' })
const identity = issuing.issue({ cn: 'server', extensions: { eku: undefined } }, [
  { kind: 'dns', value: 'localhost' },
])
const directory = mkdtempSync(join(tmpdir(), 'countersign-s-server-'))
const running = new Set<ChildProcess>()

let server: TestServer
before(async () => {
  for (const [name, content] of Object.entries({
    'cert.pem': pemOf(identity.der),
    'chain.pem': pemOf(issuing.der),
    'key.pem': pkcs8(identity.pair),
    'clients.pem': clients.pem,
  }))
    writeFileSync(join(directory, name), content, { mode: 0o600 })
  server = await startTestServer()
  const { services } = server.server
  orThrow(await importEntry(server.tenant, 'root', { file: root.pem }, services))
  const pair = pemOf(own.der) + pkcs8(own.pair)
  orThrow(await importEntry(server.tenant, 'ours', { file: pair }, services))
})
after(async () => {
  for (const child of running) child.kill()
  await Promise.all([...running].map(child => once(child, 'close')))
  rmSync(directory, { recursive: true })
  await server.close()
})

/** The port of an `openssl s_server` with these options beside its certificate. */
async function serving(...options: string[]): Promise<number> {
  const files = ['-cert', 'cert.pem', '-key', 'key.pem', '-cert_chain', 'chain.pem']
  const child = spawn('openssl', ['s_server', '-accept', '0', '-naccept', '20', ...files, ...options], {
    cwd: directory,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  running.add(child)
  let said = ''
  for await (const part of child.stdout!.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    said += part
    const port = /^ACCEPT .*:(\d+)$/m.exec(said)?.[1]
    if (port !== undefined) {
      child.stdout!.resume()
      return Number(port)
    }
  }
  throw new Error(`openssl ended: ${said}`)
}

const tried = async (port: number, alias?: string) =>
  orThrow(
    await testConnection(
      server.tenant,
      { address: `localhost:${port}`, verify: true, ...(alias && { clientCertificate: alias }) },
      server.server.services,
    ),
  )

for (const [option, version] of [
  ['-tls1_2', 'TLSv1.2'],
  ['-tls1_3', 'TLSv1.3'],
] as const) {
  test(`${version}: the chain as openssl sends it, and the root that is known here`, async () => {
    const report = await tried(await serving(option))
    assert.ok(report.works, report.reason)
    assert.equal(report.protocol, version)
    assert.deepEqual(
      report.certificates.map(({ role, sent }) => [role, sent]),
      [
        ['leaf', true],
        ['intermediate', true],
        ['root', false],
      ],
    )
    assert.equal(report.asksForCertificate, false)
  })

  test(`${version}: a certificate that openssl insists on is missed, and taken when it is shown`, async () => {
    const port = await serving(option, '-Verify', '3', '-verify_return_error', '-CAfile', 'clients.pem')
    const missed = await tried(port)
    assert.equal(missed.asksForCertificate, true)
    assert.equal(missed.works, false)
    const shown = await tried(port, 'ours')
    assert.ok(shown.works, shown.reason)
  })
}

test('a server that speaks nothing newer than TLS 1.1 is told apart from one that is not there', async () => {
  const report = await tried(await serving('-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0'))
  assert.equal(report.works, false)
  assert.deepEqual(report.checks.map(({ name, outcome }) => [name, outcome]).slice(0, 3), [
    ['name', 'passed'],
    ['connection', 'passed'],
    ['tls', 'failed'],
  ])
})
