import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  compose,
  describedIds,
  type Entra,
  me,
  posts,
  type RunningIdentity,
  runIdentity,
  startEntra,
} from '../../support/identity-service.ts'
import { type Answer, callUrl } from '../../support/server.ts'

// The described flow: who shows nothing is given the identity of the service.
let entra: Entra
before(async () => {
  entra = await startEntra()
})
after(() => entra.close())

const lent = /^SECURITY: whoever calls from/
const names = {
  enabled: 'CAMUNDA_SECURITY_CERT_AUTH_ENABLED',
  grant: 'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_GRANTTYPE',
  unprotected: 'CAMUNDA_SECURITY_AUTHENTICATION_UNPROTECTEDAPI',
  keystore: 'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_ASSERTION_KEYSTORE',
} as const

async function withService(
  other: Readonly<Record<string, string | undefined>>,
  use: (identity: RunningIdentity) => Promise<void>,
): Promise<void> {
  const identity = await runIdentity(compose(entra, other), entra)
  try {
    await use(identity)
  } finally {
    await identity.close()
  }
}

const warned = ({ server }: RunningIdentity) => server.log.filter(({ message }) => lent.test(message))

async function assertAnonymous(answer: Answer): Promise<void> {
  assert.equal(answer.status, 200, answer.text)
  const { username, roles, groups, tenants } = answer.json()
  assert.deepEqual(
    { username, roles, groups, tenants },
    { username: null, roles: [], groups: [], tenants: [] },
  )
}

describe('where all four hold', () => {
  let identity: RunningIdentity
  before(async () => {
    identity = await runIdentity(compose(entra), entra)
  })
  after(() => identity.close())

  test('a caller on this computer who shows nothing is the service, with a warning at the start', async () => {
    assert.equal(warned(identity).length, 1)
    const answer = await identity.call(me)
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.json().username, describedIds.service)
    // Step 1 of the description.
    const search = await identity.call('/v2/mapping-rules/search', posts({}))
    assert.equal(search.status, 200)
    assert.equal(search.json<{ items: unknown[] }>().items.length, 1)
  })

  test('many callers cost one token request, and get no session', async () => {
    identity.server.advance(3_600_000)
    entra.server.advance(3_600_000)
    const fetched = () =>
      identity.server.log.filter(({ message }) => message === 'Successfully obtained access token').length
    const before_ = fetched()
    const answers = await Promise.all(Array.from({ length: 50 }, () => identity.call(me)))
    for (const { status, headers } of answers) {
      assert.equal(status, 200)
      assert.equal(headers['set-cookie'], undefined)
    }
    assert.equal(fetched() - before_, 1)
    identity.server.advance(-3_600_000)
    entra.server.advance(-3_600_000)
  })

  test('who shows something wrong is not the service', async () => {
    const wrong: Readonly<Record<string, string>>[] = [
      { Authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' },
      { Authorization: 'Basic YWRtaW46YWRtaW4=' },
      { Authorization: '' },
      { Authorization: 'Negotiate abc' },
      { Cookie: 'camunda-session=made-up' },
      { Cookie: 'camunda-session=one; camunda-session=two' },
    ]
    for (const headers of wrong)
      assert.equal((await identity.call(me, { headers })).status, 401, JSON.stringify(headers))
  })

  test('who comes through a proxy, or from the page of another site, is not the service', async () => {
    const others: Readonly<Record<string, string>>[] = [
      { 'X-Forwarded-For': '203.0.113.9' },
      { Forwarded: 'for=203.0.113.9' },
      { Via: '1.1 proxy' },
      { 'X-Real-IP': '203.0.113.9' },
      { Origin: 'https://evil.example' },
      { 'Sec-Fetch-Site': 'cross-site' },
      // A name of someone else that leads here (DNS rebinding).
      { Host: 'evil.example' },
    ]
    for (const headers of others) {
      const answer = await identity.call(me, { headers })
      await assertAnonymous(answer)
    }
  })

  test('nobody signs in as the service', async () => {
    const answer = await identity.call('/login', { method: 'POST' })
    assert.equal(answer.status, 401)
    assert.equal(answer.headers['set-cookie'], undefined)
  })
})

describe('where one of the four does not hold', () => {
  const nobody: Readonly<Record<string, Readonly<Record<string, string | undefined>>>> = {
    'certificate authentication': { [names.enabled]: 'false' },
    'the grant': { [names.grant]: 'authorization_code' },
    'the keystore, and with it certificate authentication,': {
      [names.enabled]: undefined,
      [`${names.keystore}_PATH`]: undefined,
      [`${names.keystore}_PASSWORD`]: undefined,
      [`${names.keystore}_KEY_ALIAS`]: undefined,
      [`${names.keystore}_KEY_PASSWORD`]: undefined,
    },
  }
  for (const [which, other] of Object.entries(nobody))
    test(`without ${which} a caller is anonymous, without roles`, async () => {
      await withService(other, async identity => {
        assert.deepEqual(warned(identity), [])
        await assertAnonymous(await identity.call(me))
      })
    })

  test('where the API is protected, 401, and the decision record says how to authenticate', async () => {
    await withService({ [names.unprotected]: 'false' }, async identity => {
      assert.deepEqual(warned(identity), [])
      const answer = await identity.call(me)
      assert.equal(answer.status, 401)
      assert.equal(answer.headers['content-type'], 'application/problem+json')
      const operator = await identity.server.adminToken('MonitoringDataRead')
      const record = await identity.server.call(`/admin/v1/decisions/${answer.headers['x-correlation-id']}`, {
        headers: { Authorization: `Bearer ${operator}` },
      })
      assert.equal(record.status, 200, record.text)
      const { hint, reason } = record.json<{ hint: string; reason: string }>()
      assert.equal(reason, 'the request carries no credentials')
      assert.match(hint, /access token of https:.*Authorization: Bearer .*session \(cookie camunda-session\)/)
      assert.ok(hint.includes(entra.issuer))
    })
  })
})

describe('a stranger from the network', () => {
  /** The service at an address that is not of this computer alone. */
  async function fromNetwork(
    { server }: RunningIdentity,
    ask: (call: (path: string) => Promise<Answer>) => Promise<void>,
  ): Promise<void> {
    const listener = server.server.listenerOf({ name: 'identity-plain' })
    const socket = createServer(listener)
    const host = Object.values(networkInterfaces())
      .flatMap(all => all ?? [])
      .find(({ internal, family }) => !internal && family === 'IPv4')?.address
    // Without a network, a socket file: its peers have no loopback address either.
    const path = join(entra.directory, 'socket')
    await new Promise<void>(resolve =>
      host ? socket.listen(0, host, resolve) : socket.listen(path, resolve),
    )
    try {
      await ask(asked =>
        host
          ? callUrl(`http://${host}:${(socket.address() as AddressInfo).port}${asked}`, '', {})
          : callUrl(`http://localhost:1${asked}`, '', { socketPath: path } as never),
      )
    } finally {
      socket.close()
      socket.closeAllConnections()
    }
  }

  test('is anonymous without the second setting', async () => {
    await withService({}, identity => fromNetwork(identity, async call => assertAnonymous(await call(me))))
  })

  test('is the service with it, which the warning says', async () => {
    await withService({ COUNTERSIGN_IDENTITY_LET_NETWORK_ACT_AS_SERVICE: 'true' }, async identity => {
      assert.match(warned(identity)[0]!.message, /^SECURITY: whoever calls from anywhere/)
      await fromNetwork(identity, async call =>
        assert.equal((await call(me)).json().username, describedIds.service),
      )
    })
  })
})
