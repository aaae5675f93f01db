import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'
import { startReceiver } from '../../support/receiver.ts'
import { type Ca, holds, newRoot, type Sender, trust } from '../../support/senders.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { bytes, listBy, type Publisher, silence, startPublisher } from '../pki/foreign-world.ts'
import { eventually } from '../process/support.ts'
import { manyOf, type Place, underLoad } from './load.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute

let server: TestServer
let place: Place
let receiver: Awaited<ReturnType<typeof startReceiver>>
let publisher: Publisher
before(async () => {
  server = await startTestServer()
  place = { mtls: server.mtlsUrl, ca: server.ca }
  receiver = await startReceiver()
  publisher = await startPublisher()
  await server.deploy({
    id: 'orders',
    sender: { adapter: 'HTTPS', address: '/orders' },
    receiver: { adapter: 'HTTP', url: receiver.origin },
  })
})
after(async () => {
  await server.close()
  await receiver.close()
  await publisher.close()
})

/** A list that is current by the clock of the server. */
const listNow = (ca: Ca, revoked: readonly Sender[] = []) =>
  listBy(ca, revoked, { thisUpdate: server.now() - minute })

/** An authority whose list is asked, two senders of it, and what they get on many connections. */
async function startWorld(cn: string) {
  const ca = newRoot(cn)
  const crlUrl = publisher.place(bytes(listNow(ca)))
  await trust(server, ca, { crlUrl, revocation: 'hard' })
  const [lasting, other] = [ca.issue({ cn: `${cn}: lasting` }), ca.issue({ cn: `${cn}: other` })]
  for (const sender of [lasting, other]) await holds(server, sender)
  return { ca, crlUrl, lasting, other, many: manyOf(place, other) }
}

const refetched = (crlUrl: string, before: number) =>
  eventually(async () => publisher.asked(crlUrl) > before, 10 * second, 'the list is fetched again')

test('a list is fetched anew: whom it revokes is out, whom it clears is in, and nobody else is refused', async () => {
  const { ca, crlUrl, lasting, other, many } = await startWorld('Fetched anew')
  try {
    await underLoad(place, [lasting], async () => {
      assert.deepEqual(await many.statuses(), [200])
      for (let i = 0; i < 2; i++) {
        for (const [revoked, status] of [
          [[other], 401],
          [[], 200],
        ] as const) {
          // Fetched after an hour. The second time longer after that than the old list answers anybody.
          server.advance(hour + (i === 1 ? 10 * minute : second))
          publisher.replace(crlUrl, bytes(listNow(ca, revoked)))
          await eventually(
            async () => {
              if (`${await many.statuses()}` === `${status}`) return true
              // For so long a refusal stands.
              server.advance(10 * second)
              return false
            },
            10 * second,
            `${status}`,
          )
        }
      }
    })
    assert.ok(publisher.asked(crlUrl) >= 5)
  } finally {
    many.close()
  }
})

test('while a list cannot be had, is broken or does not come, the one before counts, and nobody is refused', async () => {
  const { ca, crlUrl, lasting, other, many } = await startWorld('Not to be had')
  const failures = [
    (_: unknown, response: ServerResponse) => void response.writeHead(503).end(),
    bytes('not a list'),
    bytes(listNow(newRoot('of somebody else'))),
  ]
  try {
    await underLoad(place, [lasting, other], async () => {
      for (const failure of failures) {
        publisher.replace(crlUrl, failure)
        const before = publisher.asked(crlUrl)
        server.advance(hour + second)
        await refetched(crlUrl, before)
        assert.deepEqual(await many.statuses(), [200])
        publisher.replace(crlUrl, bytes(listNow(ca)))
        const again = publisher.asked(crlUrl)
        server.advance(minute)
        await refetched(crlUrl, again)
      }
    })
  } finally {
    many.close()
  }
})

test('nobody waits for a list that is slow to come', async () => {
  const { ca, crlUrl, lasting, other } = await startWorld('Slow')
  await underLoad(place, [lasting, other], async answered => {
    publisher.replace(crlUrl, silence)
    const before = publisher.asked(crlUrl)
    server.advance(hour + second)
    await refetched(crlUrl, before)
    const sofar = answered()
    await eventually(async () => answered() > sofar + 10, 10 * second, 'answers meanwhile')
    publisher.replace(crlUrl, bytes(listNow(ca)))
    publisher.hangUp()
  })
})
