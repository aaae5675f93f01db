import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isProblem, Problem } from '../problem.ts'
import { authenticateIdentity } from './authenticate.ts'
import type { IdentityModel } from './model.ts'
import type { Principal } from './resolve.ts'
import type { IdentityRequest, IdentityWay } from './way.ts'

const nobody: ReadonlySet<string> = new Set()

function world({ unprotectedApi = false } = {}) {
  let resolved = 0
  const state = { version: 1, rules: ['r'] }
  const model = {
    get version() {
      return state.version
    },
    rulesFor() {
      resolved++
      return state.rules
    },
    containersOf: () => nobody,
    authorizationsOf: () => nobody,
  } as Partial<IdentityModel> as IdentityModel
  const principals = new Map<string, Principal>()
  const way: IdentityWay = {
    name: 'Test',
    claims: ({ authorization }) => authorization?.startsWith('Test ') ?? false,
    prove({ authorization }) {
      const id = authorization!.slice(5)
      if (id === 'wrong') return new Problem('bad_credentials', 'the credentials are not valid')
      const principal = principals.get(id) ?? { type: 'client', id, claims: {} }
      principals.set(id, principal)
      return { by: 'token', principal, displayName: undefined, email: undefined, until: undefined }
    },
  }
  const never: IdentityWay = {
    name: 'Never',
    claims: ({ authorization }) => authorization !== undefined,
    prove() {
      throw new Error('the first way that claims a request decides')
    },
  }
  const authenticate = (authorization?: string, ways = [way, never]) => {
    const request: IdentityRequest = {
      authorization,
      session: undefined,
      certificate: undefined,
      source: '::1',
    }
    const models = { of: () => model }
    return authenticateIdentity({ id: 't' }, request, { models, ways, unprotectedApi, hint: 'Sign in.' })
  }
  return { authenticate, way, state, resolved: () => resolved }
}

describe('who calls', () => {
  test('is whom the first way proves that claims the request', async () => {
    const caller = await world().authenticate('Test a')
    assert.ok(!isProblem(caller))
    assert.equal(caller.principal?.id, 'a')
    assert.deepEqual(caller.memberships.mappingRules, ['r'])
  })

  test('is told at once, where everything is in memory', () => {
    assert.ok(!(world().authenticate('Test a') instanceof Promise))
  })

  test('belongs to what he belongs to now; that is found out again only after a change', async () => {
    const { authenticate, state, resolved } = world()
    for (let i = 0; i < 3; i++) await authenticate('Test a')
    assert.equal(resolved(), 1)
    await authenticate('Test b')
    assert.equal(resolved(), 2)
    state.version++
    state.rules = []
    const caller = await authenticate('Test a')
    assert.ok(!isProblem(caller))
    assert.deepEqual(caller.memberships.mappingRules, [])
    assert.equal(resolved(), 3)
  })

  test('is nobody in particular only without credentials, where the API is not protected', async () => {
    const { authenticate } = world({ unprotectedApi: true })
    const caller = await authenticate()
    assert.ok(!isProblem(caller))
    assert.equal(caller.principal, undefined)
    assert.deepEqual(caller.memberships.roles, [])
  })
})

describe('a request is refused', () => {
  const codeOf = async (result: ReturnType<ReturnType<typeof world>['authenticate']>) => {
    const caller = await result
    return isProblem(caller) ? caller.code : undefined
  }
  test('without credentials, and the operator is told what to do', async () => {
    const refused = await world().authenticate()
    assert.ok(isProblem(refused))
    assert.deepEqual([refused.code, refused.hint], ['no_credentials', 'Sign in.'])
  })
  for (const unprotectedApi of [false, true]) {
    const { authenticate, way } = world({ unprotectedApi })
    const where = unprotectedApi ? ', also where the API is not protected' : ''
    test(`with wrong credentials${where}`, async () =>
      assert.equal(await codeOf(authenticate('Test wrong')), 'bad_credentials'))
    test(`with credentials of a kind that nobody takes${where}`, async () => {
      for (const authorization of ['Digest a=b', '', 'Bearer', 'test a'])
        assert.equal(await codeOf(authenticate(authorization, [way])), 'bad_credentials', authorization)
    })
  }
})
