import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { tokenAnswer, tokenServer } from '../../test/support/token-server.ts'
import type { TokenClientOptions, TokenEvent } from './index.ts'
import { clientSecretBasic, clientSecretPost, createTokenClient } from './index.ts'

type Handler = Parameters<typeof tokenServer>[1]
const second = 1000

/** A client and its server with a clock that stands still until it is moved; waits move it and take no time. */
async function world(
  t: TestContext,
  handler: Handler = () => tokenAnswer(),
  options: Partial<TokenClientOptions> = {},
) {
  const server = await tokenServer(t, handler)
  const clock = { now: Date.UTC(2030, 0, 1) }
  const waits: number[] = []
  const events: TokenEvent[] = []
  const watchers: (() => void)[] = []
  const client = createTokenClient({
    tokenUrl: server.url,
    auth: clientSecretBasic('client', 'secret'),
    clock: () => clock.now,
    wait: async ms => {
      waits.push(ms)
      clock.now += ms
    },
    random: () => 0,
    onEvent: event => {
      events.push(event)
      for (const watcher of watchers.splice(0)) watcher()
    },
    ...options,
  })
  t.after(() => client.close())
  /** Resolves when the next event has been reported: the way to see the end of what runs in the background. */
  const nextEvent = () => new Promise<void>(resolve => watchers.push(resolve))
  const pass = (ms: number) => {
    clock.now += ms
  }
  return { client, server, clock, waits, events, nextEvent, pass }
}

/** A handler that answers only when the test says so, and tells when a request has come. */
function gate(answer: () => ReturnType<Handler> = () => tokenAnswer()) {
  const opened = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  const handler: Handler = async () => {
    reached.resolve()
    await opened.promise
    return answer()
  }
  return { handler, open: opened.resolve, reached: reached.promise }
}

test('a token is fetched once and then comes from the cache', async t => {
  const { client, server, events } = await world(t)
  const first = await client.token()
  assert.equal(await client.token(), first)
  assert.equal(server.received.length, 1)
  assert.deepEqual(events, [{ type: 'fetched', scope: undefined, expiresAt: first.expiresAt, tries: 1 }])
})

test('a hundred callers at once share one fetch', async t => {
  const { client, server } = await world(t)
  const tokens = await Promise.all(Array.from({ length: 100 }, () => client.token()))
  assert.equal(new Set(tokens).size, 1)
  assert.equal(server.received.length, 1)
})

test('a failed fetch fails for all who waited, and the next call tries anew', async t => {
  const { client, server } = await world(t, () =>
    server.received.length === 1 ? { status: 401, body: { error: 'invalid_client' } } : tokenAnswer(),
  )
  const outcomes = await Promise.allSettled([client.token(), client.token(), client.token()])
  assert.deepEqual(
    outcomes.map(each => each.status),
    ['rejected', 'rejected', 'rejected'],
  )
  assert.equal(server.received.length, 1)
  await client.token()
  assert.equal(server.received.length, 2)
})

test('each scope has its own token; order and repetition of scopes do not matter', async t => {
  const { client, server } = await world(t, () => tokenAnswer(), { scope: 'a' })
  const standard = await client.token()
  assert.equal(await client.token({ scope: 'a' }), standard)
  const both = await client.token({ scope: 'a b' })
  assert.notEqual(both, standard)
  assert.equal(await client.token({ scope: 'b  a b' }), both)
  assert.equal(
    await client.token({ scope: '' }).then(token => token === standard),
    false,
    'empty asks for no scope',
  )
  assert.deepEqual(
    server.received.map(each => each.form.get('scope')),
    ['a', 'a b', null],
  )
})

test('past half of its life a token is still given out at once, and renewed once in the background', async t => {
  const { client, server, nextEvent, pass } = await world(t)
  const old = await client.token()
  pass(1800 * second - 1)
  assert.equal(await client.token(), old)
  assert.equal(server.received.length, 1, 'not before half of the life')
  pass(1)
  const renewed = nextEvent()
  assert.deepEqual(await Promise.all([client.token(), client.token(), client.token()]), [old, old, old])
  await renewed
  const fresh = await client.token()
  assert.notEqual(fresh, old)
  assert.equal(server.received.length, 2)
})

test('a token with less than 30 seconds left is never given out', async t => {
  const { client, server, pass } = await world(t)
  const old = await client.token()
  pass(3600 * second - 29 * second)
  assert.notEqual(await client.token(), old)
  assert.equal(server.received.length, 2)
})

test('a background renewal that is still under way when the token ends serves those who then wait', async t => {
  const slow = gate()
  const { client, server, pass } = await world(t, request =>
    server.received.length === 1 ? tokenAnswer() : slow.handler(request, undefined as never),
  )
  const old = await client.token()
  pass(2000 * second)
  assert.equal(await client.token(), old)
  await slow.reached
  pass(1600 * second)
  const waiting = [client.token(), client.token()]
  slow.open()
  const [one, two] = await Promise.all(waiting)
  assert.equal(one, two)
  assert.notEqual(one, old)
  assert.equal(server.received.length, 2)
})

test('a failing renewal keeps the valid token, pauses longer each time, and recovers', async t => {
  let down = false
  const { client, server, events, nextEvent, pass, clock } = await world(t, () =>
    down ? { status: 401, body: { error: 'invalid_client' } } : tokenAnswer(),
  )
  const old = await client.token()
  down = true
  pass(1800 * second)
  for (const pause of [5, 10, 20]) {
    const failed = nextEvent()
    assert.equal(await client.token(), old)
    await failed
    const event = events.at(-1)
    assert.equal(event?.type === 'failed' && event.renewAfter, clock.now + pause * second)
    const asked = server.received.length
    pass(pause * second - 1)
    assert.equal(await client.token(), old)
    assert.equal(server.received.length, asked, 'not asked again during the pause')
    pass(1)
  }
  down = false
  const renewed = nextEvent()
  assert.equal(await client.token(), old)
  await renewed
  assert.notEqual(await client.token(), old)
})

test('a renewal refused with a long Retry-After is not repeated before that', async t => {
  let busy = false
  const { client, server, events, pass, clock } = await world(t, () =>
    busy ? { status: 429, headers: { 'retry-after': '600' } } : tokenAnswer(),
  )
  const old = await client.token()
  busy = true
  pass(1800 * second)
  assert.equal(await client.token(), old)
  while (events.at(-1)?.type !== 'failed') await new Promise(setImmediate)
  const event = events.at(-1)
  assert.equal(event?.type === 'failed' && event.renewAfter, clock.now + 600 * second)
  assert.equal(server.received.length, 4)
})

test('a caller who gives up does not end the fetch of the others', async t => {
  const slow = gate()
  const { client, server } = await world(t, slow.handler)
  const controller = new AbortController()
  const impatient = client.token({ signal: controller.signal })
  const patient = client.token()
  await slow.reached
  const reason = new Error('request timed out')
  controller.abort(reason)
  await assert.rejects(impatient, { name: 'TokenError', code: 'aborted', cause: reason })
  slow.open()
  const token = await patient
  assert.equal(await client.token(), token)
  assert.equal(server.received.length, 1)
})

test('when all who waited gave up, the token still comes into the cache', async t => {
  const slow = gate()
  const { client, server, nextEvent } = await world(t, slow.handler)
  const controller = new AbortController()
  const impatient = client.token({ signal: controller.signal })
  const fetched = nextEvent()
  await slow.reached
  controller.abort()
  await assert.rejects(impatient, { code: 'aborted' })
  slow.open()
  await fetched
  await client.token()
  assert.equal(server.received.length, 1)
})

test('a signal that fired before the call sends nothing', async t => {
  const { client, server } = await world(t)
  await assert.rejects(client.token({ signal: AbortSignal.abort() }), { code: 'aborted' })
  assert.equal(server.received.length, 0)
})

test('fresh passes the cache by, and what comes replaces it', async t => {
  const { client, server } = await world(t)
  const old = await client.token()
  const [one, two] = await Promise.all([client.token({ fresh: true }), client.token({ fresh: true })])
  assert.equal(one, two)
  assert.notEqual(one, old)
  assert.equal(await client.token(), one)
  assert.equal(server.received.length, 2)
})

test('a refused fresh token leaves the valid one in use', async t => {
  const { client, server } = await world(t, () =>
    server.received.length === 1 ? tokenAnswer() : { status: 400 },
  )
  const old = await client.token()
  await assert.rejects(client.token({ fresh: true }), { code: 'refused' })
  assert.equal(await client.token(), old)
})

test('an invalidated token is not given out again; many reports of it cost one fetch', async t => {
  const { client, server } = await world(t)
  const old = await client.token()
  client.invalidate(old.value)
  const fresh = await client.token()
  client.invalidate(old.value)
  client.invalidate('never seen')
  assert.equal(await client.token(), fresh)
  assert.equal(server.received.length, 2)
})

test('a server in trouble is tried three times, and the retries are reported', async t => {
  const { client, server, waits, events } = await world(t, () =>
    server.received.length < 3 ? { status: 503 } : tokenAnswer(),
  )
  await client.token()
  assert.deepEqual(waits, [1000, 3000])
  assert.deepEqual(
    events.map(event => [event.type, 'tries' in event && event.tries]),
    [
      ['retry', 1],
      ['retry', 2],
      ['fetched', 3],
    ],
  )
})

test('after the third try the error says what the server said last', async t => {
  const { client, server, waits } = await world(t, () => ({ status: 502, body: 'Bad Gateway' }))
  await assert.rejects(client.token(), {
    code: 'unavailable',
    status: 502,
    message: /could not answer: 502, text that is not JSON\. The server has a problem of its own/,
  })
  assert.equal(server.received.length, 3)
  assert.deepEqual(waits, [300, 600])
})

test('a lost connection is tried again', async t => {
  const { client, server, waits } = await world(t, (_request, response) => {
    if (server.received.length === 3) return tokenAnswer()
    response.destroy()
    return undefined
  })
  await client.token()
  assert.deepEqual(waits, [300, 600])
})

test('a Retry-After as a date is counted from the client clock', async t => {
  const { client, server, waits } = await world(t, () =>
    server.received.length === 1
      ? { status: 429, headers: { 'retry-after': 'Tue, 01 Jan 2030 00:00:07 GMT' } }
      : tokenAnswer(),
  )
  await client.token()
  assert.deepEqual(waits, [7000])
})

test('400, 401 and 403 are asked once', async t => {
  for (const status of [400, 401, 403]) {
    const { client, server, waits } = await world(t, () => ({ status, body: {} }))
    await assert.rejects(client.token(), { code: 'refused', status })
    assert.equal(server.received.length, 1)
    assert.deepEqual(waits, [])
  }
})

test('each try asks the auth method anew', async t => {
  let asked = 0
  const auth: TokenClientOptions['auth'] = ({ headers }) => {
    asked += 1
    headers.authorization = `Basic ${asked}`
  }
  const { client, server } = await world(
    t,
    () => (server.received.length < 2 ? { status: 500 } : tokenAnswer()),
    { auth },
  )
  await client.token()
  assert.deepEqual(
    server.received.map(each => each.headers.authorization),
    ['Basic 1', 'Basic 2'],
  )
})

test('the life of a token is counted from before the request, not from when a slow answer came', async t => {
  const { client, clock } = await world(t, () => {
    clock.now += 9 * second
    return tokenAnswer({ expires_in: 60 })
  })
  const asked = clock.now
  assert.equal((await client.token()).expiresAt, asked + 60 * second)
})

test('a listener that throws costs nobody a token', async t => {
  const onEvent = () => {
    throw new Error('listener')
  }
  const { client } = await world(t, () => tokenAnswer(), { onEvent })
  await client.token()
})

test('closing ends what is under way, and later calls say so', async t => {
  const slow = gate(() => undefined)
  const { client } = await world(t, slow.handler)
  const waiting = client.token()
  await slow.reached
  client.close()
  await assert.rejects(waiting, { code: 'closed' })
  await assert.rejects(client.token(), { code: 'closed' })
  await assert.rejects(client.authorizationHeader(), { code: 'closed' })
})

test('closing ends a wait between two tries', async t => {
  const { promise: waited, resolve } = Promise.withResolvers<void>()
  const wait: TokenClientOptions['wait'] = (_ms, signal) => {
    resolve()
    return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
  }
  const { client } = await world(t, () => ({ status: 500 }), { wait })
  const waiting = client.token()
  await waited
  client.close()
  await assert.rejects(waiting, { code: 'closed' })
})

test('scopes without end do not fill the memory: the oldest is forgotten', async t => {
  const { client, server } = await world(t)
  for (let index = 0; index <= 500; index += 1) await client.token({ scope: `s${index}` })
  await client.token({ scope: 's500' })
  assert.equal(server.received.length, 501)
  await client.token({ scope: 's0' })
  assert.equal(server.received.length, 502)
})

test('options that cannot work are refused when the client is made', () => {
  const good = { tokenUrl: 'https://server.test/oauth/token', auth: clientSecretBasic('i', 's') }
  const bad: [Partial<TokenClientOptions>, RegExp][] = [
    [{ tokenUrl: '' }, /tokenUrl must be a whole address/],
    [{ tokenUrl: 'server.test/oauth/token' }, /tokenUrl/],
    [{ tokenUrl: 'http://server.test/oauth/token' }, /plain http/],
    [{ tokenUrl: 'https://i:s@server.test/oauth/token' }, /user name or password/],
    [{ tokenUrl: 'https://server.test/oauth/token#x' }, /fragment/],
    [{ auth: undefined as never }, /auth is missing/],
    [{ parameters: { client_secret: 's' } }, /must not hold client_secret/],
    [{ parameters: { scope: 's' } }, /must not hold scope/],
    [{ timeoutMs: 0 }, /timeoutMs/],
    [{ timeoutMs: Number.NaN }, /timeoutMs/],
    [{ defaultExpiresIn: -1 }, /defaultExpiresIn/],
  ]
  for (const [options, message] of bad) {
    assert.throws(() => createTokenClient({ ...good, ...options }), {
      code: 'invalid_configuration',
      message,
    })
  }
  createTokenClient({ ...good, tokenUrl: 'http://server.test/oauth/token', allowInsecure: true }).close()
  createTokenClient({ ...good, tokenUrl: 'http://[::1]:1/oauth/token?tenant=a' }).close()
})

/** Refuses every client id but these. */
const accepting =
  (...ids: string[]): Handler =>
  ({ form }) =>
    ids.includes(form.get('client_id') ?? '')
      ? tokenAnswer()
      : { status: 401, body: { error: 'invalid_client' } }

/** Several credentials, of which the list may change. */
function several(...names: string[]) {
  const held = { names }
  return {
    held,
    auth: { candidates: () => held.names.map(name => ({ name, auth: clientSecretPost(name, 'secret') })) },
  }
}
const asked = ({ received }: { received: { form: URLSearchParams }[] }) =>
  received.map(({ form }) => form.get('client_id'))

test('of several credentials the first that the server takes is used', async t => {
  const { auth } = several('new', 'old')
  const { client, server, events } = await world(t, accepting('old'), { auth })
  await client.token()
  assert.deepEqual(asked(server), ['new', 'old'])
  const [refused] = events
  assert.ok(refused?.type === 'credential-refused')
  assert.deepEqual([refused.credential, refused.next, refused.error.error], ['new', 'old', 'invalid_client'])
})

test('what was refused is not shown again for ten minutes, unless it is another one then', async t => {
  const { auth, held } = several('new', 'old')
  const { client, server, pass } = await world(t, accepting('old', 'newest'), { auth })
  const fresh = { fresh: true }
  await client.token()
  await client.token(fresh)
  assert.deepEqual(asked(server), ['new', 'old', 'old'])
  pass(600 * second)
  await client.token(fresh)
  assert.deepEqual(asked(server).slice(3), ['new', 'old'])
  held.names = ['newest', 'old']
  await client.token(fresh)
  assert.deepEqual(asked(server).slice(5), ['newest'])
})

test('when all are refused the caller is told so, and the next time the first one alone is tried', async t => {
  const { auth } = several('new', 'old')
  const { client, server } = await world(t, accepting(), { auth })
  for (let i = 0; i < 2; i++)
    await assert.rejects(client.token(), { code: 'refused', error: 'invalid_client' })
  assert.deepEqual(asked(server), ['new', 'old', 'new'])
})

test('a fallback is used only when everything else was refused, and each use is told', async t => {
  const { auth } = several('new', 'old')
  const fallback = clientSecretPost('fallback', 'secret')
  const { client, server, events } = await world(t, accepting('fallback'), { auth, fallback })
  await client.token()
  await client.token({ fresh: true })
  assert.deepEqual(asked(server), ['new', 'old', 'fallback', 'fallback'])
  assert.equal(events.filter(({ type }) => type === 'fallback').length, 2)
})

test('a refused scope, and a server in trouble, are no reason to show another credential', async t => {
  for (const answer of [{ status: 400, body: { error: 'invalid_scope' } }, { status: 503 }]) {
    const { auth } = several('new', 'old')
    const { client, server } = await world(t, () => answer, { auth, fallback: clientSecretPost('f', 's') })
    await assert.rejects(client.token())
    assert.deepEqual([...new Set(asked(server))], ['new'])
  }
})

test('a dead server is left alone for a while, longer each time, and asked once when that is over', async t => {
  let down = true
  const { client, server, events, pass } = await world(t, () => (down ? { status: 503 } : tokenAnswer()))
  const unavailable = { name: 'TokenError', code: 'unavailable' } as const
  for (let i = 0; i < 3; i++) await assert.rejects(client.token(), unavailable)
  assert.equal(server.received.length, 9)
  for (const pause of [5, 10, 20]) {
    const before: number = server.received.length
    for (const scope of [undefined, 'another'])
      await assert.rejects(client.token({ scope }), { ...unavailable, message: /asked again in \d+ s/ })
    pass(pause * second - 1)
    await assert.rejects(client.token(), { retryAfterMs: 1 })
    assert.equal(server.received.length, before)
    pass(1)
    if (pause === 20) down = false
    if (down) await assert.rejects(client.token(), { status: 503 })
  }
  assert.ok((await client.token()).value)
  const told = events.filter(({ type }) => type.startsWith('circuit')).map(({ type }) => type)
  assert.deepEqual(told, ['circuit-opened', 'circuit-opened', 'circuit-opened', 'circuit-closed'])
})

test('while a server is left alone, a token that is still good is given out', async t => {
  let down = false
  const { client, server, pass } = await world(t, () => (down ? { status: 503 } : tokenAnswer()))
  const old = await client.token()
  down = true
  for (let i = 0; i < 3; i++) await assert.rejects(client.token({ fresh: true }))
  const before = server.received.length
  pass(1)
  assert.equal(await client.token(), old)
  assert.equal(server.received.length, before)
})

test('a server that refuses is not dead', async t => {
  const { client, server } = await world(t, accepting())
  for (let i = 0; i < 5; i++) await assert.rejects(client.token(), { code: 'refused' })
  assert.equal(server.received.length, 5)
})

test('further parameters of the address, and further headers, go along; what is ours does not', async t => {
  const { client, server } = await world(t, () => tokenAnswer(), {
    query: { api: 'a b', zone: '1' },
    headers: { 'X-Tenant': 'acme' },
  })
  await client.token()
  const [{ path, headers, form }] = server.received as [(typeof server.received)[number]]
  assert.equal(path, '/oauth/token?api=a+b&zone=1')
  assert.equal(headers['x-tenant'], 'acme')
  assert.deepEqual([...form.keys()], ['grant_type'])
  for (const wrong of [
    { query: { client_secret: 'x' } },
    { headers: { Authorization: 'Basic x' } },
    { headers: { 'content-type': 'text/plain' } },
  ])
    assert.throws(
      () => createTokenClient({ tokenUrl: server.url, auth: clientSecretBasic('a', 'b'), ...wrong }),
      {
        code: 'invalid_configuration',
      },
    )
})

test('grant_type in the address and parameters in JSON, for servers that want it so', async t => {
  let body = ''
  const { client, server } = await world(
    t,
    request => {
      body = request.text
      return tokenAnswer()
    },
    {
      auth: clientSecretPost('erp', 'secret'),
      grantTypeIn: 'url',
      contentType: 'application/json',
      resource: ['https://a.example', 'https://b.example'],
    },
  )
  await client.token()
  const [{ path, headers }] = server.received as [(typeof server.received)[number]]
  assert.equal(path, '/oauth/token?grant_type=client_credentials')
  assert.equal(headers['content-type'], 'application/json')
  assert.deepEqual(JSON.parse(body), {
    client_id: 'erp',
    client_secret: 'secret',
    resource: ['https://a.example', 'https://b.example'],
  })
})
