import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTenant } from '../../../src/core/tenants/index.ts'
import { type Answer, basic, orThrow } from '../../support/server.ts'
import { decisionOf, flowFile, startWorld } from './world.ts'

const world = await startWorld()
after(world.close)
const { server, receiver, sender } = world
const caller = { Authorization: basic(sender) }

before(async () => {
  for (const id of ['guarded', 'other'])
    await server.deploy(flowFile(id, receiver.origin, { sender: { csrf: true } }))
})

const call = (path: string, method: string, headers: Record<string, string>) =>
  server.call(path, { method, headers: { ...caller, ...headers }, ...(method === 'POST' && { body: 'x' }) })

async function fetchToken(path = '/http/guarded', headers: Record<string, string> = {}) {
  const answer = await call(path, 'GET', { 'X-CSRF-Token': 'Fetch', ...headers })
  assert.equal(answer.status, 200)
  return { token: answer.headers['x-csrf-token'] as string, cookie: cookieOf(answer), answer }
}

const setCookie = ({ headers }: Answer) => ([headers['set-cookie']].flat() as string[])[0]!
const cookieOf = (answer: Answer) => setCookie(answer).split(';')[0]!

async function refused(answer: Answer, reason: RegExp): Promise<void> {
  assert.equal(answer.status, 403)
  assert.equal(answer.headers['x-csrf-token'], 'Required')
  assert.equal(answer.json().error, 'csrf_required')
  const record = await decisionOf(world, answer)
  assert.equal(record.checks.find(check => check.outcome === 'failed')?.name, 'CSRF token')
  assert.match(record.reason, reason)
  assert.match(record.hint!, /Fetch/)
}

test('a token is fetched with GET or HEAD, which go no further', async () => {
  const seen = receiver.received.length
  for (const [method, word] of [
    ['GET', 'Fetch'],
    ['HEAD', 'fetch'],
    ['GET', 'FETCH'],
  ] as const) {
    const answer = await call('/http/guarded', method, { 'X-CSRF-Token': word })
    assert.equal(answer.status, 200)
    assert.equal(answer.text, '')
    assert.match(answer.headers['x-csrf-token'] as string, /^[a-z0-9]+\.[A-Za-z0-9_-]{43}$/)
    assert.equal(answer.headers['cache-control'], 'no-store')
  }
  assert.equal(receiver.received.length, seen)
})

test('the session cookie is for this host, for HTTPS, for no script and for no other site', async () => {
  const { answer } = await fetchToken()
  const [pair, ...attributes] = setCookie(answer).split('; ')
  assert.match(pair!, /^countersign-csrf=[A-Za-z0-9_-]{22}$/)
  assert.deepEqual(attributes.sort(), ['HttpOnly', 'Path=/http', 'SameSite=Strict', 'Secure'])
})

test('the token with its cookie lets every modifying method through, as often as wanted', async () => {
  const { token, cookie } = await fetchToken()
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'POST']) {
    const answer = await call('/http/guarded', method, { 'X-CSRF-Token': token, Cookie: cookie })
    assert.equal(answer.status, 200, method)
    assert.equal(receiver.last().method, method)
    assert.equal(receiver.last().headers.cookie, undefined)
    assert.equal(receiver.last().headers['x-csrf-token'], undefined)
  }
})

test('a reading request needs no token and goes to the receiver', async () => {
  const seen = receiver.received.length
  assert.equal((await call('/http/guarded', 'GET', {})).status, 200)
  assert.equal((await call('/http/guarded', 'GET', { 'X-CSRF-Token': 'nonsense' })).status, 200)
  assert.equal(receiver.received.length, seen + 2)
})

test('a modifying request without the token or without its session is refused', async () => {
  const { token, cookie } = await fetchToken()
  const seen = receiver.received.length
  await refused(await call('/http/guarded', 'POST', {}), /no X-CSRF-Token/)
  await refused(
    await call('/http/guarded', 'POST', { 'X-CSRF-Token': 'Fetch' }),
    /no countersign-csrf cookie/,
  )
  await refused(await call('/http/guarded', 'POST', { 'X-CSRF-Token': token }), /no countersign-csrf cookie/)
  await refused(await call('/http/guarded', 'DELETE', { Cookie: cookie }), /no X-CSRF-Token/)
  for (const wrong of [
    'Required',
    '',
    '.',
    `${token}x`,
    token.slice(0, -1),
    `a${token}`,
    `z${token.slice(1)}`,
  ])
    await refused(
      await call('/http/guarded', 'POST', { 'X-CSRF-Token': wrong, Cookie: cookie }),
      /X-CSRF-Token/,
    )
  assert.equal(receiver.received.length, seen)
})

test('a token of another session, caller or flow is refused', async () => {
  const mine = await fetchToken()
  const second = await fetchToken()
  assert.notEqual(mine.cookie, second.cookie)
  const with_ = (token: string, cookie: string, headers = {}) =>
    call('/http/guarded', 'POST', { 'X-CSRF-Token': token, Cookie: cookie, ...headers })
  const notIssued = /not issued for this caller, flow and session/
  await refused(await with_(mine.token, second.cookie), notIssued)
  await refused(await with_(mine.token, `${mine.cookie}; ${second.cookie}`), /cookie, or several/)
  const stranger = { Authorization: basic(await server.sender()) }
  await refused(await with_(mine.token, mine.cookie, stranger), notIssued)
  const elsewhere = await fetchToken('/http/other', { Cookie: mine.cookie })
  assert.equal(elsewhere.cookie, mine.cookie, 'a session that is there is kept')
  await refused(await with_(elsewhere.token, mine.cookie), notIssued)
  assert.equal((await with_(mine.token, mine.cookie)).status, 200)
})

test('a token works with the token of the same caller as with its secret', async () => {
  const { token, cookie } = await fetchToken()
  const answer = await call('/http/guarded', 'POST', {
    'X-CSRF-Token': token,
    Cookie: `a=b; ${cookie}; c=d`,
    Authorization: `Bearer ${await server.token(sender)}`,
  })
  assert.equal(answer.status, 200)
})

test('a token is refused after 30 minutes', async () => {
  const { token, cookie } = await fetchToken()
  server.advance(29 * 60_000)
  assert.equal((await call('/http/guarded', 'POST', { 'X-CSRF-Token': token, Cookie: cookie })).status, 200)
  server.advance(60_000)
  await refused(
    await call('/http/guarded', 'POST', { 'X-CSRF-Token': token, Cookie: cookie }),
    /older than 30 minutes/,
  )
  const renewed = await fetchToken('/http/guarded', { Cookie: cookie })
  assert.equal(
    (await call('/http/guarded', 'POST', { 'X-CSRF-Token': renewed.token, Cookie: cookie })).status,
    200,
  )
})

test('nobody gets a token without credentials', async () => {
  const answer = await server.call('/http/guarded', { headers: { 'X-CSRF-Token': 'Fetch' } })
  assert.equal(answer.status, 401)
  assert.equal(answer.headers['x-csrf-token'], undefined)
  assert.equal(answer.headers['set-cookie'], undefined)
})

test('a flow without the protection asks for no token', async () => {
  await server.deploy(flowFile('open', receiver.origin))
  assert.equal((await call('/http/open', 'POST', {})).status, 200)
  const answer = await call('/http/open', 'GET', { 'X-CSRF-Token': 'Fetch' })
  assert.equal(answer.text, 'taken', 'Fetch is a header as any other there')
})

test('the cookie of another tenant is for the flows of that tenant', async () => {
  const acme = orThrow(await createTenant({ name: 'acme' }, server.server.services))
  await server.deploy(flowFile('guarded', receiver.origin, { sender: { csrf: true } }), acme)
  const theirs = { Authorization: basic(await server.sender({ tenant: acme })) }
  const { token, cookie, answer } = await fetchToken('/tenants/acme/http/guarded', theirs)
  assert.match(setCookie(answer), /; Path=\/tenants\/acme\/http$/)
  const sent = { 'X-CSRF-Token': token, Cookie: cookie }
  assert.equal((await call('/tenants/acme/http/guarded', 'POST', { ...sent, ...theirs })).status, 200)
  await refused(await call('/http/guarded', 'POST', sent), /not issued for this caller/)
})
