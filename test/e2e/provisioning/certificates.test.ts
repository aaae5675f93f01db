import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { endingSystemCertificates, maintainSystemCertificates } from '../../../src/core/provisioning/index.ts'
import { startWorld, type World } from './world.ts'

interface Certificate {
  readonly fingerprint: string
  readonly active: boolean
  readonly state: string
  readonly subject: string
  readonly issuer: string
  readonly notAfter: string
}

const day = 24 * 60 * 60 * 1000
let world: World
let system: string
let count = 0
before(async () => {
  world = await startWorld(undefined)
})
after(() => world.server.close())
beforeEach(async () => {
  system = `system-${++count}`
  await world.system(system, 'scim', 'target')
})
afterEach(() => world.api('DELETE', `/provisioning/systems/${system}`))

const path = (rest = '') => `/provisioning/systems/${system}/certificates${rest}`
const generate = () => world.api('POST', path())
const list = async () => (await world.api('GET', path())).json<{ certificates: Certificate[] }>().certificates
const states = async () => (await list()).map(({ active }) => active)
const services = () => world.server.server.services
const untilDaysLeft = async (days: number) => {
  const active = (await list()).find(one => one.active)!
  world.server.advance(Date.parse(active.notAfter) - days * day - world.server.now())
}

test('the first certificate is active, the second waits, and there is no third', async () => {
  const first = (await generate()).json<Certificate>()
  const second = (await generate()).json<Certificate>()
  assert.deepEqual([first.active, second.active], [true, false])
  assert.deepEqual(
    [first.subject, first.issuer],
    [second.subject, second.issuer],
    'only the fingerprints differ',
  )
  assert.notEqual(first.fingerprint, second.fingerprint)
  const third = await generate()
  assert.equal(third.status, 409)
  assert.match(third.text, /two certificates, which is as many as it can have/)
})

test('what is downloaded is the certificate and its chain, and never a key', async () => {
  assert.equal((await world.api('GET', path('/newest'))).status, 404)
  const made = (await generate()).json<Certificate>()
  const { text } = await world.api('GET', path('/newest'))
  assert.doesNotMatch(text, /PRIVATE/)
  const { pem, chain, fingerprint } = JSON.parse(text)
  assert.equal(fingerprint, made.fingerprint)
  const certificate = new X509Certificate(pem)
  assert.equal(certificate.fingerprint256.replaceAll(':', '').toLowerCase(), made.fingerprint)
  assert.match(certificate.subject, new RegExp(`CN=${system}`))
  const root = new X509Certificate(chain.slice(chain.lastIndexOf('-----BEGIN')))
  assert.ok(root.verify(root.publicKey))
})

test('one becomes active, the other inactive; only that one is deleted, and is revoked', async () => {
  const first = (await generate()).json<Certificate>()
  const second = (await generate()).json<Certificate>()
  const refused = await world.api('DELETE', path(`/${first.fingerprint}`))
  assert.match(refused.text, /the active one cannot be deleted/)
  const short = second.fingerprint.slice(0, 12).toUpperCase()
  assert.equal((await world.api('POST', path(`/${short}/activate`))).status, 200)
  assert.deepEqual(await states(), [false, true])
  assert.equal((await world.api('DELETE', path(`/${first.fingerprint}`))).status, 204)
  assert.deepEqual(await states(), [true])
  const thumbprint = Buffer.from(first.fingerprint, 'hex').toString('base64url')
  const record = await services().store.read.issued.byThumbprint(world.server.tenant.id, thumbprint)
  assert.equal(record?.reason, 'cessationOfOperation')
})

test('a fingerprint that is nobody’s changes nothing', async () => {
  await generate()
  assert.equal((await world.api('POST', path('/abcdef/activate'))).status, 404)
  assert.equal((await world.api('DELETE', path('/abcdef'))).status, 404)
  assert.deepEqual(await states(), [true])
})

test('that ends in 14 days is renewed where the system says so: the new one is active at once', async () => {
  await world.set(system, { 'ips.certificate.automatic.regeneration': 'true' })
  const old = (await generate()).json<Certificate>()
  await untilDaysLeft(15)
  assert.equal(await maintainSystemCertificates(services()), 0)
  await untilDaysLeft(13)
  assert.equal(await maintainSystemCertificates(services()), 1)
  const held = await list()
  assert.deepEqual(
    held.map(({ active }) => active),
    [false, true],
  )
  assert.equal(held[0]?.fingerprint, old.fingerprint)
  assert.equal(await maintainSystemCertificates(services()), 0)
  const told = world.server.log.find(
    ({ fields }) => fields.notification === `Outbound Certificate Renewed. scim System: ${system}`,
  )
  assert.ok(told)
})

test('an inactive one that is good for longer is activated instead of another', async () => {
  await world.set(system, { 'ips.certificate.automatic.regeneration': 'true' })
  await generate()
  await untilDaysLeft(200)
  const later = (await generate()).json<Certificate>()
  await untilDaysLeft(10)
  assert.equal(await maintainSystemCertificates(services()), 1)
  const held = await list()
  assert.deepEqual(
    held.map(({ active }) => active),
    [false, true],
  )
  assert.equal(held[1]?.fingerprint, later.fingerprint)
})

test('of two that have ended the inactive one makes room', async () => {
  await world.set(system, { 'ips.certificate.automatic.regeneration': 'true' })
  const first = (await generate()).json<Certificate>()
  const second = (await generate()).json<Certificate>()
  await untilDaysLeft(-1)
  assert.equal(await maintainSystemCertificates(services()), 1)
  const held = await list()
  assert.deepEqual(
    held.map(({ active }) => active),
    [false, true],
  )
  assert.equal(held[0]?.fingerprint, first.fingerprint)
  assert.notEqual(held[1]?.fingerprint, second.fingerprint)
})

test('that is not to be renewed is warned of, with what to do', async () => {
  await generate()
  await untilDaysLeft(2)
  const endings = await endingSystemCertificates(world.server.now() + 60 * day, services())
  const mine = endings.find(({ names }) => names.system === system)
  assert.match(mine!.hint, new RegExp(`certificate generate ${system}`))
  assert.equal(await maintainSystemCertificates(services()), 0)
  assert.equal((await list())[0]?.state, '3d')
})

test('one that has ended is not activated', async () => {
  await generate()
  const second = (await generate()).json<Certificate>()
  await untilDaysLeft(-1)
  const answer = await world.api('POST', path(`/${second.fingerprint}/activate`))
  assert.equal(answer.status, 409)
  assert.match(answer.text, /has ended/)
})

test('a system that is deleted takes its certificates along, and they are revoked', async () => {
  const made = (await generate()).json<Certificate>()
  assert.equal((await world.api('DELETE', `/provisioning/systems/${system}`)).status, 204)
  const thumbprint = Buffer.from(made.fingerprint, 'hex').toString('base64url')
  const record = await services().store.read.issued.byThumbprint(world.server.tenant.id, thumbprint)
  assert.ok(record?.revokedAt)
})
