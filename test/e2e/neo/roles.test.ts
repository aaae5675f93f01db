import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Json, told } from '../admin/world.ts'
import { flowFile } from '../worker/world.ts'
import { type NeoWorld, otherNode, role, startNeoWorld } from './world.ts'

let world: NeoWorld
before(async () => {
  world = await startNeoWorld()
})
after(() => world.close())

const unassign = (user: string, more: Record<string, string> = {}) =>
  world.admin.call('DELETE', `/role-assignments?${new URLSearchParams({ user, role, ...more })}`)
const assignments = async (user: string) =>
  (await world.admin.call('GET', `/role-assignments?${new URLSearchParams({ user })}`)).json<{
    assignments: Json[]
  }>().assignments
/** What a refused call was told, and the operator can read. */
async function refused(text: string, flow = 'orders') {
  const answer = await world.server.call(`/http/${flow}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${text}` },
    body: 'an order',
  })
  return world.why(answer)
}

test('without a role there is a token, and 403 at the flow, with the command that helps', async () => {
  const client = await world.register({ clientid: 'lonely' })
  for (const format of [undefined, 'jwt'] as const) {
    const { status, code, reason, hint } = await refused(await world.token(client, format))
    assert.deepEqual([status, code], [403, 'insufficient_scope'])
    assert.match(reason, /user oauth_client_lonely has no roles at default\.iflmap/)
    assert.match(
      hint!,
      /countersign role assign ESBMessaging\.send --user oauth_client_lonely --subscription default\.iflmap$/,
    )
  }
})

test('a role counts from the next request on, for tokens that are out as well; taken away, too', async () => {
  const client = await world.register()
  const tokens = [await world.token(client), await world.token(client, 'jwt')]
  assert.equal((await world.assign(client.user)).status, 201)
  for (const text of tokens) assert.equal(await world.send(text), 200)
  assert.equal((await unassign(client.user)).status, 200)
  for (const text of tokens) assert.equal(await world.send(text), 403)
})

test('users are told apart by upper and lower case', async () => {
  const client = await world.register({ clientid: 'Case' })
  const answer = await world.assign('oauth_client_case')
  assert.equal(answer.status, 201)
  assert.match(String(answer.json<{ warnings: string[] }>().warnings), /did you mean oauth_client_Case/)
  assert.equal(await world.send(await world.token(client)), 403)
  await world.assign('OAUTH_CLIENT_Case')
  assert.equal(await world.send(await world.token(client)), 403)
  await world.assign('oauth_client_Case')
  assert.equal(await world.send(await world.token(client)), 200)
})

test('a token is good at flows of its node alone, whatever roles its user has elsewhere', async () => {
  const client = await world.sender()
  await world.assign(client.user, { subscription: otherNode })
  const text = await world.token(client)
  assert.equal(await world.send(text, 'orders'), 200)
  const { status, reason, checks } = await refused(text, 'elsewhere')
  assert.equal(status, 403)
  assert.match(reason, /deployed to abc12\.hcioem, and client client-\d+ is subscribed to default\.iflmap/)
  assert.deepEqual(checks.find(check => check.outcome === 'failed')?.name, 'runtime node')
  const there = await world.register({ subscription: otherNode })
  await world.assign(there.user, { subscription: otherNode })
  assert.equal(await world.send(await world.token(there), 'elsewhere'), 200)
  assert.equal(await world.send(await world.token(there), 'orders'), 403)
})

test('a role at another node does not help, and the operator is warned', async () => {
  const client = await world.register()
  const answer = await world.assign(client.user, { subscription: otherNode })
  assert.match(answer.text, /is subscribed to default\.iflmap: at abc12\.hcioem its tokens are not good/)
  assert.equal(await world.send(await world.token(client)), 403)
})

test('a flow that asks for a role of the tenant takes those who have it', async () => {
  await world.admin.call('POST', '/roles', { name: 'Orders.send' })
  await world.server.deploy(
    flowFile('special', world.receiver.origin, {
      sender: { authorization: { userRole: 'Orders.send' } },
    }),
  )
  const client = await world.sender()
  assert.equal(await world.send(await world.token(client), 'special'), 403)
  await world.assign(client.user, { role: 'Orders.send' })
  assert.equal(await world.send(await world.token(client), 'special'), 200)
  const answer = await world.admin.call('DELETE', '/roles/Orders.send')
  assert.equal(answer.status, 409)
  assert.match(told(answer), new RegExp(`user ${client.user}`))
})

test('assigning twice changes nothing; what is not there cannot be taken away', async () => {
  const client = await world.sender()
  const [first] = await assignments(client.user)
  world.server.advance(1000)
  assert.equal((await world.assign(client.user)).status, 201)
  assert.deepEqual(await assignments(client.user), [first])
  assert.equal((await unassign(client.user, { subscription: otherNode })).status, 404)
  assert.equal((await unassign(client.user.toUpperCase())).status, 404)
  assert.equal((await unassign(client.user)).status, 200)
  assert.equal((await unassign(client.user)).status, 404)
})

test('roles that are not there, or open the admin API, nodes of other types and nameless users are refused', async () => {
  for (const [more, words] of [
    [{ role: 'ESBMessaging.Send' }, /did you mean ESBMessaging\.send/],
    [{ role: 'CredentialsEdit' }, /there is no role CredentialsEdit/],
    [{ subscription: 'default.tmn' }, /iflmap or hcioem/],
    [{ user: '' }, /1 to 200/],
    [{ user: ' x' }, /white space/],
    [{ user: 'a\nb' }, /1 to 200/],
  ] as const) {
    const answer = await world.assign('oauth_client_x', more)
    assert.equal(answer.status, 400)
    assert.match(told(answer), words)
  }
})

test('a role given before the client is registered is there when it is', async () => {
  await world.assign('oauth_client_later')
  const client = await world.register({ clientid: 'later' })
  assert.equal(await world.send(await world.token(client)), 200)
})

test('explain tells before the message what would happen', async () => {
  const client = await world.sender()
  const explain = async (endpoint: string) =>
    (await world.admin.call('POST', '/explain', { token: await world.token(client), endpoint })).json<{
      accepted: boolean
      clientId: string
      reason: string
    }>()
  const good = await explain('/http/orders')
  assert.deepEqual([good.accepted, good.clientId], [true, client.clientid])
  const bad = await explain('/http/elsewhere')
  assert.equal(bad.accepted, false)
  assert.match(bad.reason, /abc12\.hcioem/)
})
