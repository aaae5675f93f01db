import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { IdentitySettings } from '../../../src/app/camunda/settings.ts'
import { defaults } from '../../support/camunda-settings.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { type Answer, startTestServer, type TestServer } from '../../support/server.ts'
import { until } from '../worker/world.ts'

const password = 'a long enough password'
const settings: IdentitySettings = {
  ...defaults,
  csrfEnabled: false,
  persistentSessions: true,
  initialization: {
    ...defaults.initialization,
    users: [{ username: 'anna', password, name: 'Anna', email: undefined }],
  },
}

async function signIn(node: TestServer): Promise<string> {
  const answer = await node.call('/login', { method: 'POST', body: { username: 'anna', password } })
  assert.equal(answer.status, 204, answer.text)
  const cookies = [answer.headers['set-cookie'] ?? []].flat()
  return cookies.find(cookie => cookie.startsWith('camunda-session='))!.split(';')[0]!
}
const me = (node: TestServer, cookie: string): Promise<Answer> =>
  node.call('/v2/authentication/me', { headers: { Cookie: cookie } })
const logout = (node: TestServer, cookie: string): Promise<Answer> =>
  node.call('/logout', { method: 'POST', headers: { Cookie: cookie } })

test('a session that another node has in memory ends there within a second; others go on', async t => {
  const { url: databaseUrl, drop } = await freshDatabase()
  const options = { databaseUrl, masterKey: randomBytes(32), identity: () => settings }
  const nodes = [await startTestServer(options), await startTestServer(options)] as const
  t.after(async () => {
    for (const node of nodes) await node.close()
    await drop()
  })
  const [one, other] = nodes
  const [ended, lasting] = [await signIn(one), await signIn(one)]
  for (const cookie of [ended, lasting])
    for (const node of nodes) {
      const answer = await me(node, cookie)
      assert.equal(answer.status, 200, answer.text)
      assert.equal(answer.json().username, 'anna')
    }
  assert.equal((await logout(one, ended)).status, 204)
  const since = performance.now()
  assert.equal((await me(one, ended)).status, 401)
  await until(async () => (await me(other, ended)).status === 401)
  assert.ok(performance.now() - since < 1500)
  for (const node of nodes) assert.equal((await me(node, lasting)).status, 200)
})

test('a session ends at once in the process that ends it, and with the password', async t => {
  const node = await startTestServer({ identity: () => settings })
  t.after(node.close)
  const [first, second] = [await signIn(node), await signIn(node)]
  for (const cookie of [first, second]) assert.equal((await me(node, cookie)).status, 200)
  await logout(node, first)
  assert.equal((await me(node, first)).status, 401)
  assert.equal((await me(node, second)).status, 200)
  const { store } = node.server.services
  const user = (await store.read.identity.find(node.tenant.id, 'user', 'anna'))!
  await store.write(({ identity }) =>
    identity.put({ ...user, content: { ...user.content, password: 'another hash' } }),
  )
  assert.equal((await me(node, second)).status, 401)
})
