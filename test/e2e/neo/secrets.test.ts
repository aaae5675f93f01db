import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { failuresPerMinute } from '../../../src/core/clients/failures.ts'
import { hashChosenSecret } from '../../../src/crypto/chosen-secret.ts'
import { callMtls, issued, newRoot } from '../../support/senders.ts'
import { basic } from '../../support/server.ts'
import { type Client, type NeoWorld, startNeoWorld, tokenPath } from './world.ts'

let world: NeoWorld
before(async () => {
  world = await startNeoWorld()
})
after(() => world.close())

const chosen = 'correct horse battery'
const wrong = (client: Client) => ({ ...client, clientsecret: `${client.clientsecret}x` })
const statuses = async (asks: readonly ReturnType<NeoWorld['ask']>[]) =>
  (await Promise.all(asks)).map(answer => answer.status)
const tally = (all: readonly number[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const status of all) counts[status] = (counts[status] ?? 0) + 1
  return counts
}
const nextMinute = () => world.server.advance(61_000)

test('a chosen secret of any characters is taken as it stands, and encoded', async () => {
  for (const secret of [
    'with:colons:and more',
    'percent%41and+plus%',
    '100%-as-it-is-written',
    'pässwörter über Straßen',
    '日本語の秘密の言葉はとても長いです',
    '  spaces at both ends  ',
    '%2B%2B%2B%2B%2B%2B%2B%2B',
  ]) {
    const client = await world.register({ secret })
    for (const repeat of [1, 2]) {
      assert.equal((await world.ask(client)).status, 200, `${secret} ${repeat}`)
      const encoded = await world.server.call(tokenPath, {
        method: 'POST',
        headers: { Authorization: basic(client) },
        body: { grant_type: 'client_credentials' },
      })
      assert.equal(encoded.status, 200, `${secret} encoded ${repeat}`)
    }
    assert.equal((await world.ask(wrong(client))).status, 401)
  }
})

test('a chosen secret is computed once, for all who bring it at once and after: more than could be computed', async () => {
  const client = await world.register({ secret: chosen })
  for (let again = 0; again < 2; again++)
    assert.deepEqual(tally(await statuses(Array.from({ length: 40 }, () => world.ask(client)))), { 200: 40 })
})

test('what is wrong takes as long as what is right for the first time, and the same for strangers', async () => {
  /** The shortest of some: what else the machine does makes it longer only. */
  async function shortest(count: number, work: () => Promise<unknown>) {
    const times: number[] = []
    for (let i = 0; i < count; i++) {
      const start = performance.now()
      await work()
      times.push(performance.now() - start)
    }
    return Math.min(...times)
  }
  const cost = await shortest(8, () => hashChosenSecret(chosen, Buffer.alloc(32), Buffer.alloc(16)))
  const known = await world.register({ secret: chosen })
  await world.ask(known)
  const never = await world.register({ secret: chosen })
  const kinds = {
    'wrong, before the first right one': wrong(never),
    'wrong, after it': wrong(known),
    'wrong for one that was made': wrong(await world.register()),
    'a stranger': { clientid: 'nobody', clientsecret: 'x' },
    'a service key': await world.server.sender(),
  }
  for (const [what, client] of Object.entries(kinds))
    assert.ok((await shortest(4, () => world.ask(client))) > 0.5 * cost, what)
  assert.ok((await shortest(10, () => world.ask(known))) < cost, 'right, and known')
})

test('past twenty failures a minute of one source, a chosen secret is not even tried, a made one is let in', async () => {
  const [guessed, made] = [await world.register({ secret: chosen }), await world.register()]
  await world.ask(guessed)
  for (const client of [guessed, made])
    for (let i = 0; i < failuresPerMinute; i++) await world.ask(wrong(client))
  for (const client of [wrong(guessed), wrong(made), guessed]) {
    const answer = await world.ask(client)
    assert.equal(answer.status, 429)
    assert.ok(Number(answer.headers['retry-after']) > 0)
  }
  assert.equal((await world.ask(made)).status, 200)
  assert.equal((await world.ask(await world.register({ secret: chosen }))).status, 200, 'another client')
  nextMinute()
  assert.equal((await world.ask(guessed)).status, 200)
})

test('more at once than may wait are told to come again, and the others are served', async () => {
  nextMinute()
  const clients = await Promise.all(Array.from({ length: 4 }, () => world.register({ secret: chosen })))
  const storm = Array.from({ length: 30 }, (_, i) =>
    world.ask({ clientid: `nobody-${i}`, clientsecret: 'x' }),
  )
  const answers = await statuses(storm)
  const { 401: served = 0, 429: sent = 0 } = tally(answers)
  assert.equal(served + sent, 30)
  assert.ok(served >= 8 && sent >= 1, JSON.stringify(tally(answers)))
  for (const client of clients) assert.equal((await world.ask(client)).status, 200)
})

test('a secret that was replaced is not remembered', async () => {
  const client = await world.register({ secret: chosen })
  assert.equal((await world.ask(client)).status, 200)
  await world.change(client, { secret: `${chosen} 2` })
  assert.equal((await world.ask(client)).status, 401)
  assert.equal((await world.ask({ ...client, clientsecret: `${chosen} 2` })).status, 200)
})

test('a certificate beside the header may be there, unless it is the credential of somebody else', async () => {
  const client = await world.register()
  const ask = (sender: Parameters<typeof callMtls>[2]) =>
    callMtls(world.server, tokenPath, sender, {
      method: 'POST',
      headers: { Authorization: basic(client) },
      body: { grant_type: 'client_credentials' },
    })
  assert.equal((await ask(undefined)).status, 200)
  assert.equal((await ask(newRoot('nobody knows').issue())).status, 200)
  const answer = await ask(await issued(world.server))
  assert.deepEqual([answer.status, answer.json().error], [400, 'invalid_request'])
})
