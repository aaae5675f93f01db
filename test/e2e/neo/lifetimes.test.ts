import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { maintainKeys, rotateKeys } from '../../../src/core/tokens/index.ts'
import { partsOf } from '../token-server/world.ts'
import { type NeoWorld, startNeoWorld } from './world.ts'

let world: NeoWorld
before(async () => {
  world = await startNeoWorld()
})
after(() => world.close())

const day = 86_400
const seconds = (count: number) => world.server.advance(count * 1000)
const expiresIn = async (answer: ReturnType<NeoWorld['ask']>) => (await answer).json().expires_in
const jwt = 'grant_type=client_credentials&token_format=jwt'

test('a lifetime is 1 second to 180 days; 0 is refused with the reason', async () => {
  for (const tokenLifetime of [1, 3600, 180 * day]) {
    const client = await world.register({ tokenLifetime })
    assert.equal(await expiresIn(world.ask(client)), tokenLifetime)
  }
  const zero = await world.admin.call('POST', '/clients', { clientid: 'zero', tokenLifetime: 0 })
  assert.equal(zero.status, 400)
  assert.match(zero.text, /never expire, and may no longer be used/)
  for (const tokenLifetime of [-1, 0.5, 180 * day + 1, 1e12]) {
    const answer = await world.admin.call('POST', '/clients', { clientid: 'bad', tokenLifetime })
    assert.equal(answer.status, 400)
    assert.match(answer.text, /1 to 15552000/)
  }
})

test('a JWT lives twelve hours at most', async () => {
  for (const [tokenLifetime, told] of [
    [60, 60],
    [43_200, 43_200],
    [43_201, 43_200],
    [180 * day, 43_200],
  ]) {
    const client = await world.register({ tokenLifetime })
    const answer = await world.ask(client, jwt)
    assert.equal(answer.json().expires_in, told)
    const { exp, iat } = partsOf(answer.json<{ access_token: string }>().access_token).claims
    assert.equal(Number(exp) - Number(iat), told)
  }
})

test('a token ends with its lifetime, to the second', async () => {
  const client = await world.sender({ tokenLifetime: 100 })
  const text = await world.token(client)
  seconds(98)
  assert.equal(await world.send(text), 200)
  seconds(3)
  assert.equal(await world.send(text), 401)
})

test('a lifetime that is changed counts for tokens that are out, from their issue', async () => {
  const client = await world.sender({ tokenLifetime: 1000 })
  const opaque = await world.token(client)
  const signed = await world.token(client, 'jwt')
  seconds(500)
  await world.change(client, { tokenLifetime: 400 })
  assert.equal(await world.send(opaque), 401)
  assert.equal(await world.send(signed), 401)
  await world.change(client, { tokenLifetime: 600 })
  assert.equal(await world.send(opaque), 200)
  assert.equal(await world.send(signed), 200)
  await world.change(client, { tokenLifetime: 10 * day })
  seconds(9 * day)
  assert.equal(await world.send(opaque), 200)
  assert.equal(await world.send(signed), 401, 'a JWT says itself when it ends')
  seconds(day)
  assert.equal(await world.send(opaque), 401)
})

test('a token that was revoked stays so when the lifetime grows', async () => {
  const client = await world.sender({ tokenLifetime: 60 })
  const text = await world.token(client)
  const revoked = await world.admin.call('POST', `/clients/${client.clientid}/token-revocation`, {
    token: text,
  })
  assert.equal(revoked.status, 204)
  seconds(10 * 60)
  await maintainKeys(world.services)
  await world.change(client, { tokenLifetime: 180 * day })
  assert.equal(await world.send(text), 401)
})

test('an opaque token of 180 days outlives the rotation of the keys', async () => {
  const client = await world.sender({ tokenLifetime: 180 * day })
  const text = await world.token(client)
  for (let days = 0; days < 178; days += 20) {
    seconds(20 * day)
    await maintainKeys(world.services)
    if (days < 158) assert.equal(await world.send(text), 200, `after ${days + 20} days`)
  }
  assert.equal(await world.send(text), 401)
})

test('a rotation in an emergency ends it within a day', async () => {
  const client = await world.sender({ tokenLifetime: 180 * day })
  const text = await world.token(client)
  await rotateKeys(world.server.tenant, { now: true }, world.services)
  assert.equal(await world.send(text), 200)
  seconds(day + 200)
  assert.equal(await world.send(text), 401)
})

test('a rotation in an emergency, on the day before a scheduled one, leaves the scheduled key good', async () => {
  const client = await world.sender()
  const { tenant } = world.server
  // Until the successor is published, which takes over a day later.
  for (let hours = 0; hours < 100 * 24; hours += 12) {
    seconds(12 * 3600)
    const { made } = await maintainKeys(world.services)
    if (made > 0) break
  }
  await rotateKeys(tenant, { now: true }, world.services)
  for (let hours = 0; hours < 96; hours += 6) {
    for (const format of [undefined, 'jwt'] as const)
      assert.equal(await world.send(await world.token(client, format)), 200, `${hours} h later`)
    seconds(6 * 3600)
  }
})
