import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { parseCertificate } from '../../../src/crypto/certificate.ts'
import { startReceiver } from '../../support/receiver.ts'
import { derOf, newRoot } from '../../support/senders.ts'
import { type ServerProcess, startServer } from '../process/support.ts'
import { manyOf, underLoad } from './load.ts'

interface Member {
  readonly id: string
  readonly role: string
  readonly state: string
}

interface Issued {
  readonly name: string
  readonly serial: string
  readonly credential: { readonly cert: string; readonly key: string }
}

const partners = newRoot('Partners')
const partner = partners.issue({ cn: 'partner' })

/** A server of some processes, with a flow, a trusted root, and a key for a sender below that. */
async function start(workers: string) {
  const receiver = await startReceiver()
  const server = await startServer({ env: { COUNTERSIGN_WORKERS: workers } })
  await server.admin('POST', '/flows', {
    id: 'orders',
    name: 'orders',
    sender: { adapter: 'HTTPS', address: '/orders' },
    receiver: { adapter: 'HTTP', url: receiver.origin },
  })
  await server.admin('POST', '/instances', { name: 'i' })
  await trust(server, partners.pem)
  await hold(server, 'partner', partner.pem)
  return {
    server,
    async close() {
      await server.stop()
      await receiver.close()
    },
  }
}

async function trust({ admin }: ServerProcess, certificates: string): Promise<() => Promise<unknown>> {
  const added = await admin<{ certificates: { fingerprint: string }[] }>('POST', '/trust', { certificates })
  return () => admin('DELETE', `/trust/${added.certificates[0]!.fingerprint}`)
}

const hold = ({ admin }: ServerProcess, name: string, pem: string, more: object = {}) =>
  admin('POST', '/instances/i/keys', {
    name,
    parameters: { 'key-type': 'certificate_external', 'X.509': pem, ...more },
  })

let count = 0

async function issue({ admin }: ServerProcess, more: object = {}): Promise<Issued> {
  const name = `issued-${++count}`
  const parameters = { 'key-type': 'certificate', 'key-length': 256, ...more }
  const made = await admin<{
    certificate: string
    key: string
    certificatedetails: { serialnumber: string }
  }>('POST', '/instances/i/keys', { name, parameters })
  const { certificate: cert, key, certificatedetails } = made
  return { name, serial: certificatedetails.serialnumber.slice(2), credential: { cert, key } }
}

const members = async ({ admin }: ServerProcess) =>
  (await admin<{ certificates: Member[] }>('GET', '/authority')).certificates
const issuerOf = ({ credential }: Issued) =>
  parseCertificate(derOf(credential.cert)).issuer.raw.toString('hex')

for (const workers of ['1', '2'])
  describe(`while senders call, workers: ${workers}`, () => {
    let world: Awaited<ReturnType<typeof start>>
    let server: ServerProcess
    before(async () => {
      world = await start(workers)
      server = world.server
    })
    after(() => world?.close())

    test('other roots and intermediates are trusted and removed, and nobody is refused', async () => {
      const own = await issue(server)
      await underLoad(server, [partner, own], async () => {
        for (let i = 0; i < 5; i++) {
          const other = newRoot(`other ${i}`)
          const removeRoot = await trust(server, other.pem)
          const removeIntermediate = await trust(server, other.intermediate(`below ${i}`).pem)
          await trust(server, partners.pem)
          await removeRoot()
          await removeIntermediate()
        }
      })
    })

    test('a root opens the way for its senders with the next request, and closes it', async () => {
      const root = newRoot('late')
      const below = root.intermediate('late intermediate').issue({ cn: `late-${workers}` })
      await hold(server, 'late', below.pem, { 'allow-untrusted': true })
      const late = manyOf(server, below)
      try {
        await underLoad(server, [partner], async () => {
          for (let i = 0; i < 3; i++) {
            assert.deepEqual(await late.statuses(), [401])
            const remove = await trust(server, root.pem)
            assert.deepEqual(await late.statuses(), [200])
            await remove()
          }
          assert.deepEqual(await late.statuses(), [401])
        })
      } finally {
        late.close()
      }
    })

    test('a certificate is revoked, and nobody else is refused', async () => {
      const own = await issue(server)
      await underLoad(server, [partner, own], async () => {
        for (let i = 0; i < 3; i++) {
          const revoked = await issue(server)
          const many = manyOf(server, revoked)
          assert.deepEqual(await many.statuses(), [200])
          await server.admin('POST', `/certificates/${revoked.serial}/revocation`)
          assert.deepEqual(await many.statuses(), [401])
          many.close()
        }
      })
    })

    test('the authority is rolled over: senders of the old, the next and the new root get in, until the old one is retired', async () => {
      const [old] = (await members(server)).filter(({ role, state }) => role === 'root' && state === 'active')
      const ofOld = await issue(server)
      const { next, taken } = await rollOver(ofOld)
      const many = manyOf(server, ofOld)
      try {
        await underLoad(server, [partner, next, taken], async () => {
          assert.deepEqual(await many.statuses(), [200])
          await server.admin('DELETE', `/authority/${old!.id}`)
          assert.deepEqual(await many.statuses(), [401])
        })
      } finally {
        many.close()
      }
    })

    /** Twice: with a lead, in which senders try the next root, and at once. */
    async function rollOver(ofOld: Issued): Promise<{ next: Issued; taken: Issued }> {
      let made: { next: Issued; taken: Issued } | undefined
      await underLoad(server, [partner, ofOld], async () => {
        await server.admin('POST', '/authority/roll-over', { leadDays: 30 })
        assert.equal(issuerOf(await issue(server)), issuerOf(ofOld))
        const next = await issue(server, { authority: 'next' })
        const trying = manyOf(server, next)
        assert.deepEqual(await trying.statuses(), [200])
        await server.admin('POST', '/authority/roll-over', { leadDays: 0 })
        const taken = await issue(server)
        assert.equal(new Set([ofOld, next, taken].map(issuerOf)).size, 3)
        const first = manyOf(server, taken)
        assert.deepEqual(await first.statuses(), [200])
        assert.deepEqual(await trying.statuses(), [200])
        trying.close()
        first.close()
        made = { next, taken }
      })
      return made!
    }
  })
