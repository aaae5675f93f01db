import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../../test/e2e/process/support.ts'
import { holds, issued, newRoot, pemOf, pkcs8, trust } from '../../test/support/senders.ts'
import { orThrow, startTestServer } from '../../test/support/server.ts'
import { importAuthority, inspectAuthority, rollOverAuthority } from '../core/authority/index.ts'
import { deleteKey, revokeCertificate, rotateKey } from '../core/broker/index.ts'
import { bind, provision, referenceTo } from '../core/broker/osb/index.ts'
import { importEntry } from '../core/keystore/index.ts'
import { parseCertificate } from '../crypto/certificate.ts'
import { readCertificateInput } from '../crypto/pem.ts'
import { readConfig } from './config.ts'
import { startMaintenance } from './maintenance.ts'
import { serverIdentity } from './server-identity.ts'

const day = 86_400_000

async function startWorld(
  t: { after(end: () => Promise<void>): void },
  settings: (directory: string) => Record<string, string> = () => ({}),
) {
  const server = await startTestServer()
  const directory = mkdtempSync(join(tmpdir(), 'countersign-maintenance-'))
  const { services } = server.server
  const { context } = services
  const config = readConfig({
    env: { COUNTERSIGN_DATA_DIR: directory, ...settings(directory) },
    file: undefined,
    cwd: directory,
    processors: 1,
  })
  serverIdentity(config, context)
  const maintenance = startMaintenance(server.server, config, context)
  await maintenance.run()
  t.after(async () => {
    maintenance.stop()
    await server.close()
    rmSync(directory, { recursive: true })
  })
  return {
    server,
    services,
    maintenance,
    /** The lines about certificates that the next run writes. */
    async told() {
      const before = server.log.length
      await maintenance.run()
      return server.log.slice(before).filter(line => /^a certificate (ends|has ended)/.test(line.message))
    },
    async metrics() {
      const page = await services.operations.metrics()
      return page.split('\n').filter(line => line.startsWith('countersign_certificate'))
    },
  }
}

test('keys whose certificate ends within 60 days are in the log and in the metrics, by name', async t => {
  const { server, services, told, metrics } = await startWorld(t)
  const make = (validity: number) => issued(server, { validity })
  const [far, two, one, near, soon] = [
    await make(100),
    await make(50),
    await make(20),
    await make(10),
    await make(2),
  ]
  const lines = await told()
  assert.deepEqual(
    lines.map(({ level, fields }) => [level, fields.instance, fields.tenant, fields.of]).sort(),
    [
      ['info', two.instance, 'default', 'key'],
      ['info', one.instance, 'default', 'key'],
      ['warn', near.instance, 'default', 'key'],
      ['warn', soon.instance, 'default', 'key'],
    ].sort(),
  )
  assert.match(String(lines[0]?.fields.hint), /countersign key rotate \S+ key/)
  const page = await metrics()
  const expiry = page.filter(line => line.startsWith('countersign_certificate_expiry_timestamp_seconds{'))
  assert.equal(expiry.length, 4)
  const end = parseCertificate(readCertificateInput(soon.credential.cert)[0]!).notAfter
  const line = `countersign_certificate_expiry_timestamp_seconds{tenant="default",instance="${soon.instance}",key="key"} ${end / 1000}`
  assert.ok(expiry.includes(line), expiry.join('\n'))
  assert.ok(!page.join().includes(`"${far.instance}"`))
  for (const [state, count] of Object.entries({ '60d': 1, '30d': 1, '14d': 1, '3d': 1, expired: 0 }))
    assert.ok(page.includes(`countersign_certificates_ending{of="key",state="${state}"} ${count}`), state)
  assert.deepEqual(await told(), [], 'once a day')

  server.advance(3 * day)
  const later = await told()
  assert.equal(later.length, 4)
  assert.deepEqual(
    later.filter(({ level }) => level === 'error').map(({ fields }) => fields.instance),
    [soon.instance],
  )

  // What was replaced, revoked or deleted is nobody's worry.
  await rotateKey(server.tenant, near.instance, 'key', { parameters: { validity: 300 } }, services)
  const details = one.document.certificatedetails as { serialnumber: string }
  orThrow(await revokeCertificate(server.tenant, details.serialnumber, 'superseded', services))
  server.advance(day)
  assert.deepEqual(
    (await told()).map(({ fields }) => fields.instance),
    [two.instance, soon.instance],
  )
})

test('a key that is made later is in the metrics within seconds, and a deleted one is not', async t => {
  const { server, services, metrics } = await startWorld(t)
  const { instance } = await issued(server, { validity: 5 })
  const shown = async () => (await metrics()).some(line => line.includes(`instance="${instance}"`))
  await eventually(shown, 10_000, 'the key is told of')
  assert.equal(server.log.filter(({ message }) => message === 'a certificate ends soon').length, 1)
  orThrow(await deleteKey(server.tenant, instance, 'key', services))
  await eventually(async () => !(await shown()), 10_000, 'the key is forgotten')
})

test('what is under way when the server stops ends without a word', async () => {
  const server = await startTestServer()
  const config = readConfig({ env: {}, file: undefined, cwd: tmpdir(), processors: 1 })
  const maintenance = startMaintenance(server.server, config, server.server.services.context)
  const underWay = maintenance.run()
  maintenance.stop()
  await server.close()
  await underWay
  assert.deepEqual(
    server.log.filter(({ level }) => level === 'error'),
    [],
  )
})

test('an external certificate and a trusted root that end are told of, and no root that has a successor', async t => {
  const { server, told, metrics } = await startWorld(t)
  const ending = newRoot('ending', { notAfter: Date.now() + 12 * day })
  const renewed = newRoot('renewed', { notAfter: Date.now() + 12 * day })
  for (const ca of [ending, renewed, newRoot('renewed', { key: renewed.pair }), newRoot('lasting')])
    await trust(server, ca)
  const sender = ending.issue({ notAfter: Date.now() + 5 * day })
  const { instance } = await holds(server, sender)
  const lines = await told()
  assert.deepEqual(
    lines.map(({ level, fields }) => [level, fields.of, fields.instance ?? fields.subject]),
    [
      ['warn', 'key', instance],
      ['warn', 'trusted', 'CN=ending,O=Foreign'],
    ],
  )
  assert.equal(lines[0]?.fields.id, sender.thumbprint)
  assert.ok((await metrics()).includes('countersign_certificates_ending{of="trusted",state="14d"} 1'))
})

test('entries of the keystore that end are told of, and no longer when a successor is there', async t => {
  const { server, services, told, metrics } = await startWorld(t)
  const root = newRoot('partner')
  const file = ({ pair, pem }: ReturnType<typeof root.issue>) => pkcs8(pair) + pem
  const put = (alias: string, given: string, replace = false) =>
    importEntry(server.tenant, alias, { file: given, replace }, services).then(orThrow)
  await put('erp', file(root.issue({ notAfter: Date.now() + 2 * day })))
  await put('lasting', file(root.issue({ notAfter: Date.now() + 61 * day })))
  await put('certificate', newRoot('ending', { notAfter: Date.now() + 20 * day }).pem)
  // An import takes a while: a run in between may have told of the first already.
  await told()
  const lines = server.log.filter(
    ({ fields, message }) => fields.of === 'keystore' && /^a certificate/.test(message),
  )
  assert.deepEqual(
    lines.map(({ level, fields }) => [level, fields.of, fields.tenant, fields.alias]),
    [
      ['warn', 'keystore', 'default', 'erp'],
      ['info', 'keystore', 'default', 'certificate'],
    ],
  )
  assert.match(String(lines[0]?.fields.hint), /keystore csr/)
  assert.match(String(lines[1]?.fields.hint), /keystore import ALIAS FILE --replace/)
  const counted = (state: string, count: number) =>
    metrics().then(page =>
      page.includes(`countersign_certificates_ending{of="keystore",state="${state}"} ${count}`),
    )
  assert.ok((await counted('3d', 1)) && (await counted('30d', 1)))
  await put('erp', file(root.issue()), true)
  await eventually(() => counted('3d', 0), 10_000, 'the successor is heard of')
})

test('an authority that renews itself is not told of; an imported one is, until it is replaced', async t => {
  const { server, services, told, maintenance } = await startWorld(t)
  const root = newRoot('corporate')
  const issuing = root.intermediate('corporate issuing', { notAfter: Date.now() + 40 * day })
  const given = {
    certificates: issuing.pem + root.pem,
    key: pkcs8(issuing.pair),
    overlapDays: 400,
  }
  orThrow(await importAuthority(server.tenant, given, services))
  const of = async () => (await told()).map(({ level, fields }) => [level, fields.of, fields.subject])
  assert.deepEqual(await of(), [['info', 'authority', 'CN=corporate issuing,O=Foreign']])
  const members = async () => inspectAuthority(await services.authorities.of(server.tenant.id), server.now())
  assert.equal(
    (await members()).find(({ role, state }) => role === 'issuing' && state === 'active')?.subject,
    'CN=corporate issuing,O=Foreign',
    'the old authority does not take over behind the back of the operator',
  )
  server.advance(30 * day)
  await maintenance.run()
  server.advance(day)
  assert.deepEqual(await of(), [['warn', 'authority', 'CN=corporate issuing,O=Foreign']])
  await rollOverAuthority(server.tenant, { leadDays: 0, overlapDays: 10 }, services)
  server.advance(day)
  assert.deepEqual(await of(), [])
})

test('keys under a root that is trusted no longer are told of as if their certificates ended with it', async t => {
  const { server, services, told, metrics } = await startWorld(t)
  const old = await issued(server, { validity: 300 })
  const short = await issued(server, { validity: 5 })
  const { retireAt } = await rollOverAuthority(server.tenant, { leadDays: 0, overlapDays: 12 }, services)
  const fresh = await issued(server, { validity: 300 })
  assert.deepEqual(
    (await told()).map(({ level, fields }) => [level, fields.instance, fields.notAfter]),
    [
      ['warn', short.instance, (short.document.certificatedetails as { validuntil: string }).validuntil],
      ['warn', old.instance, new Date(retireAt).toISOString()],
    ],
  )
  const page = (await metrics()).join('\n')
  assert.match(page, new RegExp(`instance="${old.instance}",key="key"} ${retireAt / 1000}`))
  assert.doesNotMatch(page, new RegExp(`"${fresh.instance}"`))
  await rotateKey(server.tenant, old.instance, 'key', { parameters: {} }, services)
  server.advance(day)
  assert.deepEqual(
    (await told()).map(({ fields }) => fields.instance),
    [short.instance],
  )
})

test('responders are succeeded before they end, and forgotten after it', async t => {
  const { server, services, maintenance, told } = await startWorld(t)
  const responders = async () =>
    inspectAuthority(await services.authorities.of(server.tenant.id), server.now()).filter(
      ({ role }) => role === 'ocsp',
    )
  for (let month = 0; month < 6; month++) {
    server.advance(21 * day)
    await maintenance.run()
    const found = await responders()
    assert.ok(found.length <= 2, `${found.length}`)
    assert.equal(found.filter(({ state }) => state === 'active').length, 1)
  }
  server.advance(day)
  assert.deepEqual(await told(), [])
})

test('a responder of an authority that ends is not made again and again', async t => {
  const { server, services, maintenance } = await startWorld(t)
  const root = newRoot('short')
  const issuing = root.intermediate('short issuing', { notAfter: Date.now() + 5 * day })
  const given = { certificates: issuing.pem + root.pem, key: pkcs8(issuing.pair), overlapDays: 400 }
  orThrow(await importAuthority(server.tenant, given, services))
  const count = async () => (await services.store.read.authorities.list(server.tenant.id)).length
  const before = await count()
  for (let i = 0; i < 3; i++) await maintenance.run()
  assert.equal(await count(), before)
})

test("the operator's server certificate is told of by its file, and so is every one in its chain", async t => {
  const root = newRoot('public root')
  const below = root.intermediate('public issuing', { notAfter: Date.now() + 20 * day })
  const own = below.issue({ cn: 'server.example', notAfter: Date.now() + 2 * day })
  const { told, metrics } = await startWorld(t, directory => {
    const [cert, key] = [join(directory, 'operator.pem'), join(directory, 'operator-key.pem')]
    writeFileSync(cert, own.pem + pemOf(below.der))
    writeFileSync(key, own.credential.key)
    return { COUNTERSIGN_TLS_CERT_FILE: cert, COUNTERSIGN_TLS_KEY_FILE: key }
  })
  assert.deepEqual(await told(), [], 'told in the first run already')
  const page = await metrics()
  for (const state of ['3d', '30d'])
    assert.ok(
      page.includes(`countersign_certificates_ending{of="server",state="${state}"} 1`),
      page.join('\n'),
    )
})

test('the server certificate that is made here is no worry until nobody has renewed it in time', async t => {
  const { server, told } = await startWorld(t)
  server.advance((397 - 45) * day)
  assert.deepEqual(await told(), [], 'it is made anew 30 days before its end')
  server.advance(20 * day)
  const lines = await told()
  assert.deepEqual(
    lines.map(({ level, fields }) => [level, fields.of]),
    [['info', 'server']],
  )
})

test('what fails does not keep the rest from being done', async t => {
  const { server, services, told } = await startWorld(t)
  await issued(server, { validity: 10 })
  const { list } = services.store.read.tenantKeys
  Object.assign(services.store.read.tenantKeys, {
    list: () => Promise.reject(new Error('the table is gone')),
  })
  const lines = await told()
  Object.assign(services.store.read.tenantKeys, { list })
  assert.equal(lines.length, 1)
})

test('credentials that were kept for a platform are forgotten after ten minutes', async t => {
  const { server, services, maintenance } = await startWorld(t)
  const { tenant } = server
  const asking = { tenant, roles: new Set<string>() }
  const place = { organization: 'org', space: 'space', name: undefined, parameters: {} }
  const reference = referenceTo('integration-flow')
  orThrow(await provision('instance', { ...reference, ...place }, asking, services))
  const wanted = { reference, predecessor: undefined, parameters: {}, boundTo: undefined }
  orThrow(await bind('instance', 'binding', wanted, asking, services))
  const { platforms } = services.store.read
  const kept = () => platforms.hasAnswersUntil(Number.MAX_SAFE_INTEGER)
  server.advance(9 * 60_000)
  await maintenance.run()
  assert.equal(await kept(), true)
  server.advance(60_000)
  await maintenance.run()
  assert.equal(await kept(), false)
})
