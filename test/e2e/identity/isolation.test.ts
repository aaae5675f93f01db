import assert from 'node:assert/strict'
import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { basicOf, startTestIdentity, type TestIdentity } from '../../support/identity.ts'

let identity: TestIdentity
let agent: Agent
before(async () => {
  identity = await startTestIdentity()
  agent = new Agent({ keepAlive: true, maxSockets: 16, ca: identity.ca })
})
after(async () => {
  agent.destroy()
  await identity.close()
})

async function ask(authorization: string | undefined, method: string, path: string) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string; id: unknown }>()
  const sent = request(
    `${identity.url}${path}`,
    { agent, method, headers: { ...(authorization && { Authorization: authorization }) } },
    async response =>
      resolve({
        status: response.statusCode!,
        body: await text(response),
        id: response.headers['x-correlation-id'],
      }),
  )
  sent.on('error', reject).end()
  return promise
}

test('of 1 000 interleaved requests on kept connections, nobody ever sees anybody else', async () => {
  const names = Array.from({ length: 9 }, (_, i) => `caller-${i}`)
  for (const name of names) {
    await identity.admin('POST', '/v2/groups', { groupId: `group-of-${name}`, name })
    await identity.user(name, { GROUP: ['READ'] }, `group-of-${name}`)
    await identity.admin('PUT', `/v2/groups/group-of-${name}/users/${name}`)
  }
  const one = async (i: number) => {
    const name = names[i % 10]
    if (name === undefined) {
      const { status, id } = await ask(undefined, 'GET', '/v2/authentication/me')
      assert.equal(status, 401)
      return id
    }
    const isSearch = i % 3 === 0
    const { status, body, id } = isSearch
      ? await ask(basicOf(name), 'POST', '/v2/groups/search')
      : await ask(basicOf(name), 'GET', '/v2/authentication/me')
    assert.equal(status, 200, body)
    const read = JSON.parse(body)
    if (isSearch)
      assert.deepEqual(
        read.items.map(({ groupId }: { groupId: string }) => groupId),
        [`group-of-${name}`],
      )
    else assert.deepEqual([read.username, read.groups], [name, [`group-of-${name}`]])
    return id
  }
  // Each password is computed once; from then on nobody waits for another.
  for (let i = 0; i < 10; i++) await one(i)
  const ids = await Promise.all(Array.from({ length: 1000 }, (_, i) => one(i)))
  assert.equal(new Set(ids).size, 1000, 'each answer has a correlation id of its own')
})
