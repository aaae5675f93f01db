import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import type { IdentitySettings } from '../../../src/app/camunda/settings.ts'
import { commands } from '../../../src/app/commands/index.ts'
import { run } from '../../../src/app/commands/support/program.ts'
import { apiRoles, createInstance, createKey } from '../../../src/core/broker/index.ts'
import type { IdentityExamination } from '../../../src/core/identity/index.ts'
import { createTenant } from '../../../src/core/tenants/index.ts'
import { defaults } from '../../support/camunda-settings.ts'
import { issuerKey, signed } from '../../support/issuer.ts'
import { newRoot } from '../../support/senders.ts'
import { type Answer, orThrow, startTestServer, type TestServer } from '../../support/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-explain-'))
const key = await issuerKey('ES256', 'one')
const ca = newRoot('of callers')
const stranger = newRoot('of nobody')
const sent: string[] = []
const issuer = 'https://issuer.example'

const keys = createServer((_, response) => {
  response.setHeader('Content-Type', 'application/json')
  response.end(JSON.stringify({ keys: [key.jwk] }))
})
await new Promise<void>(resolve => keys.listen(0, '127.0.0.1', resolve))

const nobody = { users: [], clients: [], groups: [], mappingRules: [] }
const named = (name: string) => ({ name, description: undefined })
/** Who is of the department is in the group, which has the role, which is of the tenant and may read roles. */
const settings: IdentitySettings = {
  ...defaults,
  method: 'oidc',
  oidc: {
    ...defaults.oidc,
    issuer,
    audiences: ['api'],
    jwkSetUri: `http://127.0.0.1:${(keys.address() as AddressInfo).port}/`,
    clientIdClaim: 'client_id',
  },
  mtls: {
    ...defaults.mtls,
    enabled: true,
    trustedCertificates: [ca.pem],
    defaultRoles: ['user', 'ghost'],
  },
  initialization: {
    ...defaults.initialization,
    mappingRules: [
      { mappingRuleId: 'sales', name: 'sales', claimName: 'department', claimValue: 'sales' },
      {
        mappingRuleId: 'machines',
        name: 'machines',
        claimName: 'certificate.issuer',
        claimValue: 'CN=of callers,O=Foreign',
      },
    ],
    groups: [{ ...nobody, ...named('Sellers'), groupId: 'sellers', mappingRules: ['sales'] }],
    roles: [
      { ...nobody, ...named('Reader'), roleId: 'reader', groups: ['sellers'] },
      { ...nobody, ...named('User'), roleId: 'user' },
    ],
    tenants: [{ ...nobody, ...named('North'), tenantId: 'north', roles: ['reader'] }],
    authorizations: [
      { ownerType: 'ROLE', ownerId: 'reader', resourceType: 'ROLE', resourceId: 'a', permissions: ['READ'] },
    ],
  },
}

let world: TestServer
let open: TestServer
/** Of Entra, whose administrators assign the roles that a token names. */
let entra: TestServer
let plain: TestServer
const tokens = new Map<TestServer, Record<string, string>>()

before(async () => {
  world = await startTestServer({ identity: () => settings })
  open = await startTestServer({
    identity: () => ({
      ...settings,
      authorizationsEnabled: false,
      mtls: { ...settings.mtls, enabled: false },
    }),
  })
  const oidc = { ...settings.oidc, identityType: 'MICROSOFT' } as const
  entra = await startTestServer({ identity: () => ({ ...settings, oidc }) })
  plain = await startTestServer()
  for (const one of [world, open, entra, plain])
    tokens.set(one, { Authorization: `Bearer ${await one.adminToken('CredentialsRead')}` })
})
after(async () => {
  for (const one of [world, open, entra, plain]) await one.close()
  keys.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A token of the issuer, remembered so that it can be looked for where it must not be. */
async function token(claims: Record<string, unknown> = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const made = await signed(key, {
    iss: issuer,
    aud: 'api',
    sub: 'someone',
    client_id: 'orders',
    jti: 'one',
    iat: now,
    exp: now + 600,
    department: 'sales',
    ...claims,
  })
  sent.push(made)
  return made
}

const ask = (body: object, on = world, headers = tokens.get(on)!): Promise<Answer> =>
  on.call('/admin/v1/identity/explain', {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
  })

/** What makes it one of Entra for an application. */
const ofEntra = { ver: '2.0', azp: 'orders', idtyp: 'app' }

async function explained(body: object, on = world): Promise<IdentityExamination> {
  const answer = await ask(body, on)
  assert.equal(answer.status, 200, answer.text)
  return answer.json<IdentityExamination>()
}

const outcomes = ({ checks }: IdentityExamination) =>
  Object.fromEntries(checks.map(({ name, outcome }) => [name, outcome]))

describe('a token', () => {
  test('claims, mapping rules, groups, roles, tenants, authorizations and the decision, each with its reason', async () => {
    const found = await explained({
      token: await token(),
      resourceType: 'ROLE',
      permission: 'READ',
      resourceId: 'a',
    })
    assert.equal(found.accepted, true)
    assert.ok(found.checks.length > 9 && found.checks.every(({ outcome }) => outcome === 'passed'))
    const { principal, claims, mappingRules, groups, roles, tenants, authorizations, decision } =
      found.explanation!
    assert.deepEqual(principal, { type: 'client', id: 'orders' })
    assert.equal(claims.department, 'sales')
    assert.deepEqual(mappingRules, [
      { mappingRuleId: 'sales', because: 'claim department has the value sales' },
    ])
    assert.deepEqual(groups, [{ id: 'sellers', because: 'mapping rule sales is a member' }])
    assert.deepEqual(roles, [{ id: 'reader', because: 'group sellers is a member' }])
    assert.deepEqual(tenants, [{ id: 'north', because: 'role reader is a member' }])
    assert.deepEqual(
      authorizations.map(({ owner, resourceType, resourceId, permissionTypes }) => [
        owner,
        resourceType,
        resourceId,
        permissionTypes,
      ]),
      [['ROLE reader', 'ROLE', 'a', ['READ']]],
    )
    assert.equal(decision?.allowed, true)
    assert.match(decision!.because, /of ROLE reader grants READ on ROLE a$/)
  })

  test('not allowed: the answer names all who could have had the permission', async () => {
    for (const more of [
      { resourceId: 'b' },
      {},
      { permission: 'UPDATE', resourceId: 'a' },
      { resourceType: 'GROUP', resourceId: 'a' },
    ]) {
      const asked = { resourceType: 'ROLE', permission: 'READ', ...more }
      const { accepted, explanation } = await explained({ token: await token(), ...asked })
      assert.equal(accepted, true)
      assert.equal(explanation?.decision?.allowed, false, JSON.stringify(more))
      assert.match(explanation!.decision!.because, /of client orders, sales, sellers, reader grants/)
    }
  })

  test('somebody to whom nothing belongs', async () => {
    const { explanation } = await explained(
      { token: await token({ ...ofEntra, department: 'hr', roles: ['ghost'] }) },
      entra,
    )
    assert.deepEqual(explanation?.mappingRules, [])
    assert.deepEqual(explanation?.roles, [])
    assert.deepEqual(explanation?.unknownRoles, ['ghost'])
    assert.equal(explanation?.decision, undefined)
  })

  test('roles that the token names count where there are such roles, and where it is one of Entra', async () => {
    const body = { token: await token({ ...ofEntra, department: 'hr', roles: ['reader'] }) }
    const { explanation } = await explained(body, entra)
    assert.deepEqual(explanation?.roles, [{ id: 'reader', because: 'the token names it' }])
    assert.deepEqual((await explained(body)).explanation?.roles, [])
  })

  const now = Math.floor(Date.now() / 1000)
  const refusals: readonly [string, Record<string, unknown>, string, RegExp][] = [
    ['for another audience', { aud: 'other' }, 'token audience', /aud is "other", expected api/],
    ['expired', { exp: now - 3600, iat: now - 7200 }, 'token dates', /expired 36\d\d s ago/],
    [
      'of another issuer',
      { iss: 'https://other.example' },
      'token issuer',
      /expected https:\/\/issuer\.example/,
    ],
    ['that is an ID token', { nonce: 'x' }, 'token claims', /it is an ID token/],
    [
      'bound to a certificate that is not there',
      { cnf: { 'x5t#S256': 'A'.repeat(43) } },
      'token binding',
      /certificate/,
    ],
  ]
  for (const [which, claims, check, reason] of refusals)
    test(`${which}: the check that failed, those before it and those after it`, async () => {
      const found = await explained({ token: await token(claims) })
      assert.equal(found.accepted, false)
      assert.equal(found.code, 'invalid_token')
      assert.match(found.reason, reason)
      const all = outcomes(found)
      assert.equal(all[check], 'failed')
      assert.equal(all['token signature'], 'passed')
      if (check !== 'token binding') assert.equal(all['token binding'], 'not reached')
      assert.equal(all['token principal'], 'not reached')
      assert.equal(found.explanation, undefined)
    })

  test('forged, or no token at all', async () => {
    const forged = (await token()).replace(/.{10}$/, 'AAAAAAAAAA')
    assert.equal(outcomes(await explained({ token: forged }))['token signature'], 'failed')
    for (const none of ['', 'x', 'a.b.c'])
      assert.equal(outcomes(await explained({ token: none }))['token structure'], 'failed', none)
  })

  test('bound to the certificate that is shown beside it', async () => {
    const caller = ca.issue()
    const bound = await token({ cnf: { 'x5t#S256': caller.thumbprint } })
    assert.equal((await explained({ token: bound, certificate: caller.pem })).accepted, true)
    assert.equal((await explained({ token: bound, certificate: stranger.issue().pem })).accepted, false)
  })
})

describe('a certificate', () => {
  test('who it names, the roles that everyone with one has, and the rules over it', async () => {
    const found = await explained({ certificate: ca.issue().pem })
    assert.equal(found.accepted, true, found.reason)
    assert.deepEqual(outcomes(found), { 'certificate trusted': 'passed', 'certificate principal': 'passed' })
    const { principal, claims, roles, unknownRoles, mappingRules } = found.explanation!
    assert.equal(principal.type, 'user')
    assert.match(found.reason, new RegExp(`the certificate is that of user ${principal.id}`))
    assert.match(JSON.stringify(claims), /of callers/)
    assert.deepEqual(
      mappingRules.map(({ mappingRuleId }) => mappingRuleId),
      ['machines'],
    )
    assert.deepEqual(roles, [
      {
        id: 'user',
        because: 'whoever shows a certificate has it (CAMUNDA_SECURITY_AUTHENTICATION_MTLS_DEFAULT_ROLES)',
      },
    ])
    assert.deepEqual(unknownRoles, ['ghost'])
  })

  test('of an authority that nobody trusts', async () => {
    const found = await explained({ certificate: stranger.issue().pem })
    assert.equal(found.accepted, false)
    assert.deepEqual(outcomes(found), {
      'certificate trusted': 'failed',
      'certificate principal': 'not reached',
    })
    assert.match(found.reason, /Certificate validation failed/)
    assert.equal(found.explanation, undefined)
  })

  test('where none is taken', async () => {
    const found = await explained({ certificate: ca.issue().pem }, open)
    assert.equal(found.accepted, false)
    assert.match(found.hint!, /MTLS_ENABLED=true/)
    assert.deepEqual(found.checks, [])
  })

  test('text that is none', async () => {
    const answer = await ask({ certificate: 'none' })
    assert.equal(answer.status, 400)
    assert.match(answer.text, /certificate:/)
  })
})

test('authorizations switched off: everything is allowed, and the answer says why', async () => {
  const asked = { resourceType: 'ROLE', permission: 'DELETE' }
  const { explanation } = await explained({ token: await token({ department: 'hr' }), ...asked }, open)
  assert.equal(explanation?.decision?.allowed, true)
  assert.match(explanation!.decision!.because, /authorizations are switched off/)
})

test('what nobody can have is told from what this caller has not', async () => {
  const cases: readonly [object, RegExp][] = [
    [{ resourceType: 'ROBOT', permission: 'READ' }, /there is no ROBOT, but AUTHORIZATION, /],
    [{ resourceType: 'constructor', permission: 'READ' }, /there is no constructor/],
    [{ resourceType: 'ROLE', permission: 'FLY' }, /no FLY on ROLE, but CREATE, READ/],
    [{ resourceType: 'ROLE' }, /go together/],
    [{ permission: 'READ' }, /go together/],
    [{ resourceId: 'a' }, /go together/],
    [{ unknown: 'a' }, /unknown|give a token or a certificate/],
  ]
  for (const [more, words] of cases) {
    const answer = await ask({ token: await token(), ...more })
    assert.equal(answer.status, 400, answer.text)
    assert.match(answer.text, words)
  }
  assert.equal((await ask({})).status, 400)
})

test('there is nothing to explain without the service, nor in another tenant', async () => {
  assert.equal((await ask({ token: await token() }, plain)).status, 404)
  const other = orThrow(await createTenant({ name: 'other' }, world.server.services))
  const operator = { plan: 'api', parameters: { roles: ['CredentialsRead'] }, tenant: other } as const
  const elsewhere = await world.token(await world.sender(operator))
  const answer = await world.call('/tenants/other/admin/v1/identity/explain', {
    method: 'POST',
    headers: { Authorization: `Bearer ${elsewhere}`, 'Content-Type': 'application/json' },
    body: Buffer.from(JSON.stringify({ token: await token() })),
  })
  assert.equal(answer.status, 404, answer.text)
  assert.match(answer.text, /no identity service/)
})

test('for those who read monitoring data or credentials alone', async () => {
  const body = { token: await token() }
  const as = async (role: string) => ({ Authorization: `Bearer ${await world.adminToken(role)}` })
  assert.equal((await ask(body, world, await as('MonitoringDataRead'))).status, 200)
  assert.equal((await ask(body, world, await as('WorkspaceArtifactsDeploy'))).status, 403)
  assert.equal((await ask(body, world, {} as Record<string, string>)).status, 401)
})

describe('on the command line', () => {
  before(async () => {
    const { services } = world.server
    const parameters = { roles: apiRoles.map(role => role.name) }
    orThrow(await createInstance(world.tenant, { name: 'admin', plan: 'api', parameters }, services))
    const made = orThrow(await createKey(world.tenant, 'admin', 'admin', {}, services))
    write('admin.json', JSON.stringify(made.document))
    write('ca.pem', world.ca)
  })
  const at = (name: string) => join(folder, name)
  const write = (name: string, content: string) => writeFileSync(at(name), content, { mode: 0o600 })

  async function cli(line: string, input = '') {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const args = line.split(' ').map(word => word.replace(/^\$/, `${folder}/`))
    const status = await run([...args, '--credentials', at('admin.json'), '--ca', at('ca.pem')], commands, {
      env: { LANG: 'C.UTF-8' },
      stdin: Readable.from([input]),
      stdout,
      stderr,
      now: () => world.now(),
      wait: async () => {},
      onInterrupt: () => () => {},
      random: randomBytes,
    })
    const [out, err] = await Promise.all([text(stdout.end()), text(stderr.end())])
    return { status, out, err }
  }

  test('step by step, for people', async () => {
    const { status, out } = await cli(
      'explain --identity --token-file - --resource-type ROLE --permission READ --resource-id a',
      await token(),
    )
    assert.equal(status, 0, out)
    for (const words of [
      /Accepted +yes/,
      /✓ token signature/,
      /client +orders/,
      /department +sales/,
      /sales +claim department has the value sales/,
      /sellers +mapping rule sales is a member/,
      /reader +group sellers is a member/,
      /north +role reader is a member/,
      /ROLE reader +ROLE a +READ/,
      /Allowed +authorization \d+ of ROLE reader grants READ on ROLE a/,
    ])
      assert.match(out, words)
  })

  test('not allowed and not accepted end with status 1', async () => {
    const denied = await cli(
      'explain --identity --token-file - --resource-type ROLE --permission DELETE',
      await token(),
    )
    assert.equal(denied.status, 1)
    assert.match(denied.out, /Not allowed +no authorization of client orders/)
    const refused = await cli('explain --identity --token-file -', await token({ aud: 'other' }))
    assert.equal(refused.status, 1)
    assert.match(refused.out, /✗ token audience/)
    assert.match(refused.out, /Hint +Accepted are tokens of https:\/\/issuer\.example for api/)
  })

  test('a certificate, as JSON', async () => {
    write('caller.pem', ca.issue().pem)
    const { status, out } = await cli('explain --identity --certificate $caller.pem --json')
    assert.equal(status, 0, out)
    assert.equal(JSON.parse(out).explanation.roles[0].id, 'user')
  })

  test('wrong usage', async () => {
    for (const [line, words] of [
      ['explain --identity', /--identity takes/],
      ['explain some-id --identity', /--identity takes/],
      ['explain --identity --certificate $x --endpoint /http/orders', /--identity takes/],
      ['explain --identity --certificate $x --permission READ', /go together/],
      ['explain --identity --certificate $x --resource-id a', /go together/],
      ['explain --certificate $x --resource-type ROLE', /go with --identity/],
    ] as const) {
      const { status, err } = await cli(line)
      assert.equal(status, 2, line)
      assert.match(err, words)
    }
  })
})

test('nothing of a token is in the log or in a decision record', async () => {
  const { log, server, tenant } = world
  await server.services.journal.flush()
  const decisions = await server.services.journal.decisions(tenant.id, { limit: 1000 })
  const written = JSON.stringify([log, decisions])
  assert.ok(sent.length > 10)
  for (const each of sent) for (const part of each.split('.')) assert.equal(written.includes(part), false)
})

test('a dry run is no assignment: an administrator is announced when he comes, not when he is looked up', async () => {
  const announced = () =>
    entra.log.filter(({ message }) => /administrative role 'admin' to client chief/.test(message)).length
  const administrator = await token({ ...ofEntra, client_id: 'chief', roles: ['admin'] })
  const { explanation } = await explained({ token: administrator }, entra)
  assert.deepEqual(
    explanation?.roles.map(({ id }) => id),
    ['admin', 'reader'],
  )
  assert.equal(announced(), 0)
  const me = { headers: { Authorization: `Bearer ${administrator}` } }
  assert.equal((await entra.call('/v2/authentication/me', me)).status, 200)
  assert.equal(announced(), 1)
  await explained({ token: administrator }, entra)
  assert.equal(announced(), 1)
})
