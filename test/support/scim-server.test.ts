import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test'
import { Agent, request } from 'undici'
import { type ScimFault, type ScimServer, startScimServer } from './scim-server.ts'
import { newRoot, pemOf, pkcs8 } from './senders.ts'

// The SCIM server of others that provisioning is tested with does what the tests rely on.
const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const user = (userName: string, more: object = {}) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', enterprise],
  userName,
  [enterprise]: { department: 'Sales' },
  ...more,
})
const group = (displayName: string, members: object[]) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
  displayName,
  members,
})

type Call = (
  method: string,
  path: string,
  body?: object,
  headers?: Record<string, string>,
) => Promise<{
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: what a server of others answers
  json: any
}>

function callerOf(server: ScimServer, certificate = {}): { call: Call; agent: Agent } {
  const agent = new Agent({ connect: { ca: server.ca, ...certificate } })
  const call: Call = async (method, path, body, headers = {}) => {
    const answer = await request(`${server.url}${path}`, {
      method: method as 'GET',
      dispatcher: agent,
      headers: { 'content-type': 'application/scim+json', ...headers },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.body.text()
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text,
      json: text.startsWith('{') ? JSON.parse(text) : undefined,
    }
  }
  return { call, agent }
}

let server: ScimServer
let call: Call
let agent: Agent
before(async () => {
  server = await startScimServer(undefined)
  ;({ call, agent } = callerOf(server))
})
after(async () => {
  await agent.close()
  await server.stop()
})
beforeEach(async () => {
  await server.preload({})
  await server.heal()
  await server.forget()
})

const userNames = (answer: { json: { Resources: { userName: string }[] } }) =>
  answer.json.Resources.map(({ userName }) => userName)
const lookUp = (filter: string) => `?filter=${encodeURIComponent(filter)}`

test('a user is created, read, replaced, patched and deleted', async () => {
  const created = await call('POST', '/Users', user('ann'))
  assert.equal(created.status, 201)
  const { id, meta } = created.json
  assert.equal(created.json[enterprise].department, 'Sales')
  assert.equal(meta.location, `${server.url}/Users/${id}`)
  assert.ok(meta.created <= meta.lastModified)
  await server.advance(1000)
  const replaced = await call('PUT', `/Users/${id}`, user('ann', { title: 'Chief' }))
  assert.equal(replaced.status, 200)
  const patch = {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [
      { op: 'replace', path: 'active', value: false },
      { op: 'replace', path: `${enterprise}:department`, value: 'Support' },
    ],
  }
  const patched = await call('PATCH', `/Users/${id}`, patch)
  assert.equal(patched.status, 200)
  const { json } = await call('GET', `/Users/${id}`)
  assert.deepEqual([json.title, json.active, json[enterprise].department], ['Chief', false, 'Support'])
  assert.equal(json.meta.created, meta.created)
  assert.ok(json.meta.lastModified > meta.lastModified)
  assert.equal((await call('DELETE', `/Users/${id}`)).status, 204)
  for (const method of ['GET', 'DELETE']) assert.equal((await call(method, `/Users/${id}`)).status, 404)
  assert.equal((await call('PUT', `/Users/${id}`, user('ann'))).status, 404)
})

test('a group holds members, and a patch adds and removes some', async () => {
  const { json } = await call('POST', '/Groups', group('team', [{ value: 'a' }, { value: 'b' }]))
  const patch = {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [
      { op: 'add', path: 'members', value: [{ value: 'c' }] },
      { op: 'remove', path: 'members[value eq "a"]' },
    ],
  }
  assert.equal((await call('PATCH', `/Groups/${json.id}`, patch)).status, 200)
  const [team] = await server.list('Groups')
  assert.deepEqual(
    (team!.members as { value: string }[]).map(({ value }) => value),
    ['b', 'c'],
  )
  const found = await call('GET', `/Groups${lookUp('displayName eq "team"')}`)
  assert.deepEqual([found.json.totalResults, found.json.Resources[0].id], [1, json.id])
})

test('a userName is taken once, in whatever case', async () => {
  const { json } = await call('POST', '/Users', user('ann'))
  await call('POST', '/Users', user('bob'))
  const second = await call('POST', '/Users', user('ANN'))
  assert.deepEqual([second.status, second.json.scimType], [409, 'uniqueness'])
  assert.equal((await call('PUT', `/Users/${json.id}`, user('bob'))).status, 409)
  assert.equal(await server.put('Users', user('ann')), undefined)
  assert.equal((await call('PUT', `/Users/${json.id}`, user('Ann'))).status, 200)
  assert.equal((await call('POST', '/Users', { schemas: user('x').schemas })).status, 400)
})

test('pages follow startIndex and count to the last entry', async () => {
  await server.preload({ users: 25, groups: 2, members: 3 })
  const seen: string[] = []
  for (const startIndex of [1, 11, 21]) {
    const page = await call('GET', `/Users?startIndex=${startIndex}&count=10`)
    assert.deepEqual([page.json.totalResults, page.json.startIndex], [25, startIndex])
    seen.push(...userNames(page))
  }
  assert.equal(new Set(seen).size, 25)
  assert.deepEqual(userNames(await call('GET', '/Users?startIndex=26&count=10')), [])
  const { json } = await call('GET', '/Groups?startIndex=2&count=10')
  assert.equal(json.Resources[0].displayName, 'group0002')
  assert.equal(json.Resources[0].members.length, 3)
})

test('filters find by userName, and what was changed since a time', async () => {
  await server.preload({ users: 30 })
  const one = await call('GET', `/Users${lookUp('userName eq "USER000007"')}`)
  assert.deepEqual([userNames(one), one.json.totalResults], [['user000007'], 1])
  assert.deepEqual(userNames(await call('GET', `/Users${lookUp('userName eq "nobody"')}`)), [])
  const since = (await server.list('Users')).at(-1)!.meta.lastModified
  const changed = `/Users${lookUp(`meta.lastModified gt "${since}"`)}&startIndex=1&count=100`
  assert.equal((await call('GET', changed)).json.totalResults, 0)
  await server.advance(5000)
  assert.equal(await server.touch({ oneOf: 10 }), 3)
  assert.deepEqual(userNames(await call('GET', changed)), ['user000001', 'user000011', 'user000021'])
  assert.equal((await call('GET', `/Users${lookUp('userName is')}`)).status, 400)
})

test('entries change past SCIM, and requests are counted', async () => {
  const made = await server.put('Users', user('ann'))
  await call('GET', `/Users/${made!.id}`)
  await call('GET', '/Users')
  await call('POST', '/Users', user('bob'))
  assert.equal(await server.remove('Users', made!.id), true)
  assert.equal(await server.remove('Users', made!.id), false)
  assert.deepEqual(
    (await server.list('Users')).map(({ userName }) => userName),
    ['bob'],
  )
  assert.deepEqual(await server.counts(), { GET: 2, POST: 1 })
  assert.equal((await server.requests())[0]!.path, `/Users/${made!.id}`)
  await assert.rejects(server.inject({ kind: 'flood' } as unknown as ScimFault), /no fault flood/)
})

describe('faults', () => {
  test('429 with Retry-After, for as many writes as told, which do nothing', async () => {
    await server.inject({ kind: 'status', status: 429, retryAfter: 2, on: 'write', times: 2, after: 1 })
    const answers = []
    for (const name of ['a', 'b', 'c', 'd']) {
      assert.equal((await call('GET', '/Users')).status, 200)
      answers.push(await call('POST', '/Users', user(name)))
    }
    assert.deepEqual(
      answers.map(({ status }) => status),
      [201, 429, 429, 201],
    )
    assert.equal(answers[1]!.headers['retry-after'], '2')
    assert.equal((await server.list('Users')).length, 2)
  })

  test('502, only for groups', async () => {
    await server.inject({ kind: 'status', status: 502, type: 'Groups' })
    assert.equal((await call('GET', '/Users')).status, 200)
    assert.equal((await call('GET', '/Groups')).status, 502)
    assert.equal((await call('GET', '/Groups')).status, 200)
  })

  test('HTML instead of SCIM', async () => {
    await server.inject({ kind: 'html' })
    const { status, headers, text } = await call('GET', '/Users')
    assert.deepEqual([status, headers['content-type']], [200, 'text/html; charset=utf-8'])
    assert.match(text, /^<!doctype html>/)
  })

  const written: readonly [kind: 'drop' | 'loseAnswer', there: number][] = [
    ['drop', 0],
    ['loseAnswer', 1],
  ]
  for (const [kind, there] of written)
    test(`${kind}: the connection breaks, and ${there ? 'all' : 'nothing'} was done`, async () => {
      await server.inject({ kind, on: 'write' })
      await assert.rejects(call('POST', '/Users', user('ann')), { code: 'UND_ERR_SOCKET' })
      assert.equal((await server.list('Users')).length, there)
      assert.equal((await call('POST', '/Users', user('bob'))).status, 201)
    })

  test('silence: no answer, until the client gives up', async () => {
    await server.inject({ kind: 'silence' })
    const signal = AbortSignal.timeout(50)
    await assert.rejects(request(`${server.url}/Users`, { dispatcher: agent, signal }), {
      name: 'TimeoutError',
    })
  })

  const pages: readonly [fault: ScimFault, names: string[], totalResults: number][] = [
    [{ kind: 'emptyPage' }, [], 6],
    [{ kind: 'samePage' }, ['user000001', 'user000002'], 6],
    [{ kind: 'wrongTotal', total: 9 }, ['user000003', 'user000004'], 9],
    [{ kind: 'repeatedId' }, ['user000003', 'user000003'], 6],
  ]
  for (const [fault, names, totalResults] of pages)
    test(`${fault.kind}, once`, async () => {
      await server.preload({ users: 6 })
      await server.inject(fault)
      const page = () => call('GET', '/Users?startIndex=3&count=2')
      const wrong = await page()
      assert.deepEqual([userNames(wrong), wrong.json.totalResults], [names, totalResults])
      const right = await page()
      assert.deepEqual([userNames(right), right.json.totalResults], [['user000003', 'user000004'], 6])
    })
})

describe('who may come in', () => {
  const started = async (
    t: TestContext,
    options: Parameters<typeof startScimServer>[1],
    certificate = {},
  ) => {
    const own = await startScimServer(t, options)
    const caller = callerOf(own, certificate)
    t.after(() => caller.agent.close())
    return { own, statusWith: caller.call }
  }
  const statuses = async (get: Call, authorizations: (string | undefined)[]) => {
    const found = []
    for (const authorization of authorizations)
      found.push(
        (await get('GET', '/Users', undefined, authorization === undefined ? {} : { authorization })).status,
      )
    return found
  }

  test('the Bearer token', async t => {
    const { statusWith } = await started(t, { bearer: 'right' })
    assert.deepEqual(await statuses(statusWith, ['Bearer right', 'Bearer wrong', undefined]), [200, 401, 401])
  })

  test('user and password', async t => {
    const { statusWith } = await started(t, { basic: { user: 'ann', password: 'p:w' } })
    const of = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
    assert.deepEqual(await statuses(statusWith, [of('ann:p:w'), of('ann:no'), 'Bearer x']), [200, 401, 401])
  })

  test('a client certificate of the root, with any token beside it', async t => {
    const clients = newRoot('clients of the SCIM server')
    const shown = (leaf: ReturnType<typeof clients.issue>) => ({
      cert: pemOf(leaf.der),
      key: pkcs8(leaf.pair),
    })
    const options = { clientRoot: clients.pem, bearer: true } as const
    const { own, statusWith } = await started(t, options, shown(clients.issue({ cn: 'job' })))
    assert.deepEqual(await statuses(statusWith, ['Bearer any', undefined]), [200, 401])
    const [first] = await own.requests()
    assert.deepEqual([first!.certificate, first!.authorization], ['job', 'Bearer any'])
    for (const certificate of [{}, shown(newRoot('of nobody').issue())]) {
      const refused = callerOf(own, certificate)
      await assert.rejects(refused.call('GET', '/Users'))
      await refused.agent.destroy()
    }
    assert.equal((await own.requests()).length, 2)
  })
})
