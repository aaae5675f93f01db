import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { SignJWT } from 'jose'
import { me, posts, type RunningIdentity, runIdentity, serverTls } from '../../support/identity-service.ts'
import { type IssuerKey, issuerKey } from '../../support/issuer.ts'
import { newRoot } from '../../support/senders.ts'
import { type Answer, type CallOptions, callUrl } from '../../support/server.ts'
import { tokenServer } from '../../support/token-server.ts'

const password = 'a long enough password'
const users = (...names: string[]): Record<string, string> =>
  Object.fromEntries(
    names.flatMap((name, i) => [
      [`CAMUNDA_SECURITY_INITIALIZATION_USERS_${i}_USERNAME`, name],
      [`CAMUNDA_SECURITY_INITIALIZATION_USERS_${i}_PASSWORD`, password],
      [`CAMUNDA_SECURITY_INITIALIZATION_USERS_${i}_NAME`, `The ${name}`],
    ]),
  )
const byPassword = {
  CAMUNDA_SECURITY_AUTHENTICATION_METHOD: 'BASIC',
  SERVER_PORT: '0',
  ...users('admin', 'eve'),
  CAMUNDA_SECURITY_INITIALIZATION_DEFAULTROLES_ADMIN_USERS: 'admin',
}

/** What a browser holds. */
interface Browser {
  readonly cookie: string
  readonly csrf: string
  readonly setCookies: readonly string[]
}

function browserOf({ status, text, headers }: Answer): Browser {
  assert.equal(status, 204, text)
  const setCookies = headers['set-cookie'] as string[]
  const cookie = setCookies.map(one => one.split(';')[0]!).join('; ')
  return { cookie, csrf: String(headers['x-csrf-token']), setCookies }
}

const signIn = (identity: RunningIdentity, username: string, secret = password, more: CallOptions = {}) =>
  identity.call('/login', { method: 'POST', body: { username, password: secret }, ...more })

const as = ({ cookie }: Pick<Browser, 'cookie'>, more: Record<string, string> = {}) => ({
  headers: { Cookie: cookie, ...more },
})
const nameOf = async (identity: RunningIdentity, options: CallOptions) => {
  const answer = await identity.call(me, options)
  return answer.status === 200 ? answer.json().username : answer.status
}

describe('a session that began with user and password', () => {
  let identity: RunningIdentity
  before(async () => {
    identity = await runIdentity(byPassword)
  })
  after(() => identity.close())

  test('is a cookie that scripts and other sites do not get', async () => {
    const { setCookies, csrf } = browserOf(await signIn(identity, 'admin'))
    const [session, token] = setCookies as [string, string]
    assert.match(session, /^camunda-session=[\w-]{43}; Path=\/; SameSite=Strict; HttpOnly$/)
    assert.equal(token, `X-CSRF-TOKEN=${csrf}; Path=/; SameSite=Strict`)
  })

  test('is as good as the password, and says that it can be ended', async () => {
    const browser = browserOf(await signIn(identity, 'admin'))
    const { username, displayName, roles, canLogout } = (await identity.call(me, as(browser))).json()
    assert.deepEqual(
      { username, displayName, roles, canLogout },
      { username: 'admin', displayName: 'The admin', roles: ['admin'], canLogout: true },
    )
  })

  test('has a new id at each authentication, and the one before is worth nothing', async () => {
    const first = browserOf(await signIn(identity, 'admin'))
    const second = browserOf(await signIn(identity, 'eve', password, as(first)))
    assert.notEqual(first.cookie, second.cookie)
    assert.equal(await nameOf(identity, as(second)), 'eve')
    assert.equal(await nameOf(identity, as(first)), 401)
  })

  test('is never one that the caller chose', async () => {
    const chosen = { cookie: `camunda-session=${'A'.repeat(43)}` }
    const made = browserOf(await signIn(identity, 'eve', password, as(chosen)))
    assert.ok(!made.cookie.includes('A'.repeat(43)))
    assert.equal(await nameOf(identity, as(chosen)), 401)
  })

  test('does not begin with a wrong password, or from the page of another site', async () => {
    for (const answer of [
      await signIn(identity, 'admin', 'wrong'),
      await signIn(identity, 'nobody'),
      await signIn(identity, 'admin', password, { headers: { 'Sec-Fetch-Site': 'cross-site' } }),
      await identity.call('/login', { method: 'POST' }),
      await identity.call('/login', { method: 'POST', body: { username: 'admin' } }),
      await identity.call('/login'),
      await identity.call(`/login?username=admin&password=${encodeURIComponent(password)}`, {
        method: 'POST',
      }),
    ]) {
      assert.ok([400, 401, 403, 405].includes(answer.status), answer.text)
      assert.equal(answer.headers['set-cookie'], undefined)
    }
  })

  test('changes nothing without the token that only its own pages have', async () => {
    const browser = browserOf(await signIn(identity, 'admin'))
    const other = browserOf(await signIn(identity, 'admin'))
    let made = 0
    const create = (headers: Record<string, string>) =>
      identity.call('/v2/groups', posts({ groupId: `csrf-${++made}`, name: 'A' }, headers))
    const { cookie: Cookie } = browser
    assert.equal((await create({ Cookie })).status, 403)
    assert.equal((await create({ Cookie, 'X-CSRF-TOKEN': '' })).status, 403)
    assert.equal((await create({ Cookie, 'X-CSRF-TOKEN': other.csrf })).status, 403)
    assert.equal((await create({ Cookie, 'X-CSRF-TOKEN': browser.csrf })).status, 201)
    assert.equal((await identity.call('/logout', { method: 'POST', headers: { Cookie } })).status, 403)
    // Whoever shows a password with each request is no browser.
    const Authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
    assert.equal((await create({ Authorization })).status, 201)
  })

  test('ends by logout, for good, and the browser forgets it', async () => {
    const browser = browserOf(await signIn(identity, 'eve'))
    const answer = await identity.call('/logout', {
      method: 'POST',
      ...as(browser, { 'X-CSRF-TOKEN': browser.csrf }),
    })
    assert.equal(answer.status, 204)
    for (const one of answer.headers['set-cookie'] as string[]) assert.match(one, /=; .*Max-Age=0/)
    assert.equal(await nameOf(identity, as(browser)), 401)
  })

  test('counts for nothing when its cookie comes twice', async () => {
    const [one, two] = [browserOf(await signIn(identity, 'eve')), browserOf(await signIn(identity, 'admin'))]
    const both = `${one.cookie.split(';')[0]}; ${two.cookie.split(';')[0]}`
    assert.equal(await nameOf(identity, { headers: { Cookie: both } }), 401)
  })

  test('ends when it is not used for half an hour, and lives on when it is', async () => {
    const [used, left] = [browserOf(await signIn(identity, 'eve')), browserOf(await signIn(identity, 'eve'))]
    identity.server.advance(20 * 60_000)
    assert.equal(await nameOf(identity, as(used)), 'eve')
    identity.server.advance(20 * 60_000)
    assert.equal(await nameOf(identity, as(used)), 'eve')
    assert.equal(await nameOf(identity, as(left)), 401)
  })

  test('ends with the old password of its user, and with the user', async () => {
    const admin = browserOf(await signIn(identity, 'admin'))
    const headers = { Cookie: admin.cookie, 'X-CSRF-TOKEN': admin.csrf }
    const eve = browserOf(await signIn(identity, 'eve'))
    const changed = await identity.call('/v2/users/eve', {
      ...posts({ password: 'another long password', name: 'Eve', email: 'eve@example.com' }, headers),
      method: 'PUT',
    })
    assert.equal(changed.status, 200, changed.text)
    assert.equal(await nameOf(identity, as(eve)), 401)
    const again = browserOf(await signIn(identity, 'eve', 'another long password'))
    assert.equal(await nameOf(identity, as(again)), 'eve')
    assert.equal((await identity.call('/v2/users/eve', { method: 'DELETE', headers })).status, 204)
    assert.equal(await nameOf(identity, as(again)), 401)
    assert.equal(await nameOf(identity, as(admin)), 'admin')
  })

  test('is nowhere in the store as the browser has it', async () => {
    const { cookie } = browserOf(await signIn(identity, 'admin'))
    const id = /camunda-session=([^;]+)/.exec(cookie)![1]!
    assert.equal(await identity.server.server.store.read.sessions.find(id), undefined)
  })
})

describe('without protection against other sites', () => {
  test('a session changes something by itself, as CSRF_ENABLED=false says', async () => {
    const identity = await runIdentity({ ...byPassword, CAMUNDA_SECURITY_CSRF_ENABLED: 'false' })
    try {
      const { cookie } = browserOf(await signIn(identity, 'admin'))
      const made = await identity.call('/v2/groups', posts({ groupId: 'g', name: 'G' }, { Cookie: cookie }))
      assert.equal(made.status, 201, made.text)
    } finally {
      await identity.close()
    }
  })
})

describe('over a restart', () => {
  let directory: string
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'countersign-sessions-'))
  })
  after(() => rmSync(directory, { recursive: true, force: true }))

  for (const [persistent, survives] of [
    ['true', true],
    ['false', false],
  ] as const)
    test(`a session ${survives ? 'lives on' : 'ends'} with PERSISTENT_SESSIONS_ENABLED=${persistent}`, async () => {
      const where = { databaseUrl: `sqlite:${join(directory, persistent)}`, masterKey: randomBytes(32) }
      const env = { ...byPassword, CAMUNDA_PERSISTENT_SESSIONS_ENABLED: persistent }
      const first = await runIdentity(env, undefined, where)
      const browser = browserOf(await signIn(first, 'eve'))
      assert.equal(await nameOf(first, as(browser)), 'eve')
      await first.close()
      const second = await runIdentity(env, undefined, where)
      try {
        assert.equal(await nameOf(second, as(browser)), survives ? 'eve' : 401)
      } finally {
        await second.close()
      }
    })

  test('a session that was kept is over where what it began with counts no more', async () => {
    const where = { databaseUrl: `sqlite:${join(directory, 'switched')}`, masterKey: randomBytes(32) }
    const kept = { CAMUNDA_PERSISTENT_SESSIONS_ENABLED: 'true' }
    const first = await runIdentity({ ...byPassword, ...kept }, undefined, where)
    const browser = browserOf(await signIn(first, 'eve'))
    await first.close()
    const byToken = {
      CAMUNDA_IDENTITY_ISSUER: 'https://issuer.example',
      CAMUNDA_IDENTITY_AUDIENCE: 'api',
      CAMUNDA_SECURITY_AUTHENTICATION_METHOD: 'OIDC',
      CAMUNDA_SECURITY_AUTHENTICATION_OIDC_JWK_SET_URI: 'https://issuer.example/keys',
      SERVER_PORT: '0',
    }
    const second = await runIdentity({ ...byToken, ...kept }, undefined, where)
    assert.equal(await nameOf(second, as(browser)), 401)
    await second.close()
    // It does not come back with the settings.
    const third = await runIdentity({ ...byPassword, ...kept }, undefined, where)
    assert.equal(await nameOf(third, as(browser)), 401)
    await third.close()
  })
})

describe('an issuer with tokens', () => {
  const issuer = 'https://issuer.example'
  const tls = serverTls()
  const clients = newRoot('Clients')
  let key: IssuerKey
  let identity: RunningIdentity
  let end: () => void
  before(async () => {
    key = await issuerKey('ES256', 'k')
    const { origin, server } = await tokenServer({ after() {} } as never, () => ({
      body: { keys: [key.jwk] },
    }))
    end = () => {
      server.close()
      server.closeAllConnections()
    }
    identity = await runIdentity(
      {
        CAMUNDA_IDENTITY_ISSUER: issuer,
        CAMUNDA_IDENTITY_AUDIENCE: 'api',
        CAMUNDA_SECURITY_AUTHENTICATION_METHOD: 'OIDC',
        CAMUNDA_SECURITY_AUTHENTICATION_OIDC_JWK_SET_URI: `${origin}/keys`,
        CAMUNDA_SECURITY_AUTHENTICATION_MTLS_ENABLED: 'true',
        CAMUNDA_SECURITY_AUTHENTICATION_MTLS_TRUSTEDCERTIFICATES: clients.pem,
        ...tls.env,
        SERVER_SSL_CLIENT_AUTH: 'want',
        SERVER_PORT: '0',
      },
      undefined,
      { ca: tls.ca },
    )
  })
  after(async () => {
    await identity.close()
    end()
  })

  let ids = 0
  const tokenOf = (sub: string, seconds = 600) => {
    const now = Math.floor(identity.server.now() / 1000)
    return new SignJWT({ sub, client_id: 'c', jti: String(++ids) })
      .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'at+jwt' })
      .setIssuer(issuer)
      .setAudience('api')
      .setIssuedAt(now)
      .setExpirationTime(now + seconds)
      .sign(key.privateKey)
  }
  const bySession = async (sub: string, seconds?: number) =>
    browserOf(
      await identity.call('/login', {
        method: 'POST',
        headers: { Authorization: `Bearer ${await tokenOf(sub, seconds)}` },
      }),
    )

  test('begins sessions, whose cookies only TLS carries', async () => {
    const { setCookies } = await bySession('alice')
    for (const one of setCookies) assert.match(one, /; Secure$/)
    assert.match(setCookies[0]!, /; HttpOnly; Secure$/)
  })

  test('has sessions that end with the token they began with', async () => {
    const browser = await bySession('alice', 120)
    assert.equal(await nameOf(identity, as(browser)), 'alice')
    identity.server.advance(119_000)
    assert.equal(await nameOf(identity, as(browser)), 'alice')
    identity.server.advance(2_000)
    assert.equal(await nameOf(identity, as(browser)), 401)
  })

  test('has callers of whom none ever sees another: 1,000 requests, interleaved, in three ways', async () => {
    const callers: { name: string; options: CallOptions }[] = []
    for (let i = 0; i < 10; i++) {
      callers.push({
        name: `token-${i}`,
        options: { headers: { Authorization: `Bearer ${await tokenOf(`token-${i}`)}` } },
      })
      callers.push({ name: `session-${i}`, options: as(await bySession(`session-${i}`)) })
      callers.push({
        name: `certificate-${i}`,
        options: { certificate: clients.issue({ cn: `certificate-${i}` }).credential },
      })
    }
    await assertNobodySeesAnother(callers, options => callUrl(`${identity.url}${me}`, tls.ca, options), 700)
  })
})

test('users with passwords, sessions and none at all never see one another either', async () => {
  const names = ['ann', 'ben', 'cid', 'dot']
  const identity = await runIdentity({ ...byPassword, ...users(...names) })
  try {
    const callers: { name: string | number; options: CallOptions }[] = [{ name: 401, options: {} }]
    for (const name of names) {
      const Authorization = `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
      callers.push({ name, options: { headers: { Authorization } } })
      callers.push({ name, options: as(browserOf(await signIn(identity, name))) })
    }
    await assertNobodySeesAnother(callers, options => identity.call(me, options), 300)
  } finally {
    await identity.close()
  }
})

/** In an order that mixes everybody, 25 at a time. */
async function assertNobodySeesAnother(
  callers: readonly { name: string | number; options: CallOptions }[],
  ask: (options: CallOptions) => Promise<Answer>,
  requests: number,
): Promise<void> {
  for (let done = 0; done < requests; done += 25)
    await Promise.all(
      Array.from({ length: 25 }, async (_, i) => {
        const { name, options } = callers[((done + i) * 7) % callers.length]!
        const answer = await ask(options)
        const seen = answer.status === 200 ? answer.json().username : answer.status
        assert.equal(seen, name)
      }),
    )
}
