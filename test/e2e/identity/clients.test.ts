import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { password, startTestIdentity, type TestIdentity } from '../../support/identity.ts'

const programs = join(import.meta.dirname, '..', '..', 'interop', 'programs')

type Step = readonly [operation: string, input?: object]

interface Outcome {
  readonly operation: string
  readonly value?: unknown
  readonly status?: number
  readonly title?: string
  readonly detail?: string
  readonly message?: string
}

let identity: TestIdentity
let directory: string
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'countersign-identity-'))
  identity = await startTestIdentity()
  writeFileSync(join(directory, 'ca.pem'), identity.ca)
})
after(async () => {
  await identity.close()
  rmSync(directory, { recursive: true, force: true })
})

/** Runs a program of an operator in a process of its own; all it knows is its environment, and what to do. */
async function operator(
  program: string,
  steps: readonly Step[],
  { url = identity.url, name = 'admin', secret = password, client = '', validation = 'fanatical' } = {},
): Promise<Outcome[]> {
  const child = spawn(process.execPath, [join(programs, `${program}.mjs`), ...(client ? [client] : [])], {
    cwd: directory,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: directory,
      NODE_EXTRA_CA_CERTS: join(directory, 'ca.pem'),
      CAMUNDA_AUTH_STRATEGY: 'BASIC',
      CAMUNDA_BASIC_AUTH_USERNAME: name,
      CAMUNDA_BASIC_AUTH_PASSWORD: secret,
      CAMUNDA_REST_ADDRESS: url,
      ZEEBE_REST_ADDRESS: url,
      // Requests and answers are held against the published schemas; a member that they do not have is an error.
      CAMUNDA_SDK_VALIDATION: validation,
    },
  })
  child.stdin.end(JSON.stringify(steps))
  const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  const last = out.trim().split('\n').at(-1)!
  assert.match(last, /^\[/, errors)
  return JSON.parse(last)
}

const page = (totalItems: number) => ({ totalItems, hasMoreTotalItems: false })

/** The items of a search, whose page is as it should be. */
function itemsOf({ value, message }: Outcome): unknown[] {
  assert.equal(message, undefined)
  const found = value as { items: unknown[]; page: Record<string, unknown> }
  const { totalItems, hasMoreTotalItems } = found.page
  assert.deepEqual({ totalItems, hasMoreTotalItems }, page(found.items.length))
  return found.items
}

function valuesOf(outcomes: readonly Outcome[]): unknown[] {
  for (const { operation, message, detail } of outcomes)
    assert.equal(message, undefined, `${operation}: ${message} ${detail}`)
  return outcomes.map(({ value }) => value)
}

const kinds = [
  {
    name: 'Role',
    id: { roleId: 'sdk-role' },
    document: { name: 'Role', description: 'of the SDK' },
    update: { name: 'Other', description: '' },
    search: 'searchRoles',
  },
  {
    name: 'Group',
    id: { groupId: 'sdk-group' },
    document: { name: 'Group', description: 'of the SDK' },
    update: { name: 'Other', description: '' },
    search: 'searchGroups',
  },
  {
    name: 'Tenant',
    id: { tenantId: 'sdk-tenant' },
    document: { name: 'Tenant', description: 'of the SDK' },
    update: { name: 'Other', description: '' },
    search: 'searchTenants',
  },
  {
    name: 'MappingRule',
    id: { mappingRuleId: 'sdk-rule' },
    document: { name: 'Rule', claimName: 'oid', claimValue: '1' },
    update: { name: 'Other', claimName: 'oid', claimValue: '2' },
    search: 'searchMappingRule',
  },
  {
    name: 'User',
    id: { username: 'sdk-user' },
    document: { name: 'User', email: 'u@example.com' },
    update: { name: 'Other', email: 'o@example.com' },
    search: 'searchUsers',
  },
] as const

const memberships = [
  ['assignRoleToUser', 'unassignRoleFromUser', 'searchUsersForRole', 'roleId', 'username'],
  ['assignRoleToClient', 'unassignRoleFromClient', 'searchClientsForRole', 'roleId', 'clientId'],
  ['assignRoleToGroup', 'unassignRoleFromGroup', 'searchGroupsForRole', 'roleId', 'groupId'],
  [
    'assignRoleToMappingRule',
    'unassignRoleFromMappingRule',
    'searchMappingRulesForRole',
    'roleId',
    'mappingRuleId',
  ],
  ['assignUserToGroup', 'unassignUserFromGroup', 'searchUsersForGroup', 'groupId', 'username'],
  ['assignClientToGroup', 'unassignClientFromGroup', 'searchClientsForGroup', 'groupId', 'clientId'],
  [
    'assignMappingRuleToGroup',
    'unassignMappingRuleFromGroup',
    'searchMappingRulesForGroup',
    'groupId',
    'mappingRuleId',
  ],
  ['assignUserToTenant', 'unassignUserFromTenant', 'searchUsersForTenant', 'tenantId', 'username'],
  ['assignClientToTenant', 'unassignClientFromTenant', 'searchClientsForTenant', 'tenantId', 'clientId'],
  ['assignGroupToTenant', 'unassignGroupFromTenant', 'searchGroupIdsForTenant', 'tenantId', 'groupId'],
  ['assignRoleToTenant', 'unassignRoleFromTenant', 'searchRolesForTenant', 'tenantId', 'roleId'],
  [
    'assignMappingRuleToTenant',
    'unassignMappingRuleFromTenant',
    'searchMappingRulesForTenant',
    'tenantId',
    'mappingRuleId',
  ],
] as const

describe('@camunda8/orchestration-cluster-api, which holds every answer against the published schemas', () => {
  const program = 'camunda-identity'

  test('asks for the topology, the status and who it is', async () => {
    const [topology, status, me] = valuesOf(
      await operator(program, [['getTopology'], ['getStatus'], ['getAuthentication']]),
    ) as [Record<string, unknown>, unknown, Record<string, unknown>]
    assert.equal(topology.gatewayVersion, '8.8.0')
    assert.ok(status === undefined || status === null)
    assert.deepEqual([me.username, me.roles, me.authorizedComponents], ['admin', ['admin'], ['*']])
  })

  test('creates, reads, changes, finds and deletes everything that there is', async () => {
    const steps = kinds.flatMap(({ name, id, document, update, search }): Step[] => {
      const given = { ...id, ...document, ...(name === 'User' && { password }) }
      const [idField] = Object.keys(id)
      return [
        [`create${name}`, given],
        [`get${name}`, id],
        [search, { filter: id, sort: [{ field: idField, order: 'DESC' }], page: { limit: 5 } }],
        [`update${name}`, { ...id, ...update }],
        [search, { filter: { name: 'Other', ...id } }],
        [`delete${name}`, id],
        [search, { filter: id }],
      ]
    })
    const outcomes = await operator(program, steps)
    valuesOf(outcomes)
    for (const [i, { id, document, update }] of kinds.entries()) {
      const [created, got, found, updated, other, , none] = outcomes.slice(i * 7, i * 7 + 7)
      const before = { ...id, ...document }
      assert.deepEqual([created!.value, got!.value], [before, before])
      assert.deepEqual(itemsOf(found!), [before])
      assert.deepEqual(updated!.value, { ...id, ...update })
      assert.deepEqual(itemsOf(other!), [{ ...id, ...update }])
      assert.deepEqual(itemsOf(none!), [])
    }
  })

  test('puts members in, finds them and takes them out, in every direction', async () => {
    const made = kinds.map(
      ({ name, id, document }): Step => [
        `create${name}`,
        { ...id, ...document, ...(name === 'User' && { password }) },
      ],
    )
    const ids: Record<string, string> = Object.assign(
      { clientId: 'sdk-client' },
      ...kinds.map(({ id }) => id),
    )
    const steps = memberships.flatMap(([assign, unassign, search, of, member]): Step[] => {
      const both = { [of]: ids[of], [member]: ids[member] }
      return [
        [assign, both],
        [search, { [of]: ids[of] }],
        [unassign, both],
        [search, { [of]: ids[of] }],
      ]
    })
    const forGroup: Step[] = [
      ['assignRoleToGroup', { roleId: 'sdk-role', groupId: 'sdk-group' }],
      ['searchRolesForGroup', { groupId: 'sdk-group' }],
    ]
    const gone = kinds.map(({ name, id }): Step => [`delete${name}`, id])
    const outcomes = await operator(program, [...made, ...steps, ...forGroup, ...gone])
    valuesOf(outcomes)
    for (const [i, [assign, , , , member]] of memberships.entries()) {
      const [, found, , none] = outcomes.slice(made.length + i * 4, made.length + i * 4 + 4)
      const [item] = itemsOf(found!) as Record<string, unknown>[]
      assert.equal(item?.[member], ids[member], assign)
      assert.deepEqual(itemsOf(none!), [], assign)
    }
    const [role] = itemsOf(outcomes.at(-1 - gone.length)!) as Record<string, unknown>[]
    assert.equal(role?.roleId, 'sdk-role')
  })

  test('gives and takes permissions', async () => {
    const given = {
      ownerId: 'sdk-owner',
      ownerType: 'USER',
      resourceId: '*',
      resourceType: 'ROLE',
      permissionTypes: ['READ', 'UPDATE'],
    }
    const [made] = valuesOf(await operator(program, [['createAuthorization', given]])) as [
      { authorizationKey: string },
    ]
    const outcomes = await operator(program, [
      ['getAuthorization', made],
      ['updateAuthorization', { ...given, ...made, resourceId: 'one' }],
      ['searchAuthorizations', { filter: { ownerId: 'sdk-owner', resourceIds: ['one'] } }],
      ['deleteAuthorization', made],
      ['searchAuthorizations', { filter: { ownerId: 'sdk-owner' } }],
    ])
    const [got] = valuesOf(outcomes)
    const whole = { ...given, ...made, resourcePropertyName: null }
    assert.deepEqual(got, whole)
    assert.deepEqual(itemsOf(outcomes[2]!), [{ ...whole, resourceId: 'one' }])
    assert.deepEqual(itemsOf(outcomes[4]!), [])
  })

  test('goes through pages by cursor, on and back', async () => {
    for (const roleId of ['page-a', 'page-b', 'page-c', 'page-d'])
      await identity.admin('POST', '/v2/roles', { roleId, name: 'Paged' })
    const search = (page: object): Step => [
      'searchRoles',
      { filter: { name: 'Paged' }, sort: [{ field: 'roleId' }], page: { limit: 2, ...page } },
    ]
    type Found = { items: { roleId: string }[]; page: Record<'startCursor' | 'endCursor', string> }
    const [first] = valuesOf(await operator(program, [search({})])) as [Found]
    const [last] = valuesOf(await operator(program, [search({ after: first.page.endCursor })])) as [Found]
    const [back] = valuesOf(await operator(program, [search({ before: last.page.startCursor })])) as [Found]
    const ids = ({ items }: Found) => items.map(({ roleId }) => roleId)
    assert.deepEqual(
      [ids(first), ids(last)],
      [
        ['page-a', 'page-b'],
        ['page-c', 'page-d'],
      ],
    )
    assert.deepEqual(back, first)
  })

  test('sets up the first administrator, and no second', async () => {
    const fresh = await startTestIdentity({ administrator: false })
    try {
      writeFileSync(join(directory, 'ca.pem'), fresh.ca)
      const given = { username: 'first', password, name: 'First', email: 'f@example.com' }
      const [first, second] = await operator(
        program,
        [
          ['createAdminUser', given],
          ['createAdminUser', { ...given, username: 'second' }],
        ],
        { url: fresh.url },
      )
      assert.deepEqual(first?.value, { username: 'first', name: 'First', email: 'f@example.com' })
      assert.equal(second?.status, 403)
    } finally {
      writeFileSync(join(directory, 'ca.pem'), identity.ca)
      await fresh.close()
    }
  })

  test('reads the status and the words of every refusal', async () => {
    const role = { roleId: 'sdk-twice', name: 'R' }
    const outcomes = await operator(program, [
      ['createRole', role],
      ['createRole', role],
      ['getRole', { roleId: 'sdk-none' }],
      ['updateGroup', { groupId: 'sdk-none', name: 'X', description: '' }],
      ['deleteUser', { username: 'sdk-none' }],
      ['assignRoleToGroup', { roleId: 'admin', groupId: 'sdk-none' }],
      ['unassignRoleFromUser', { roleId: 'admin', username: 'sdk-none' }],
      ['searchUsersForRole', { roleId: 'sdk-none' }],
      ['getAuthorization', { authorizationKey: '987654321' }],
      ['searchRoles', { page: { after: 'AAAA' } }],
    ])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      [undefined, 409, 404, 404, 404, 404, 404, 404, 404, 400],
    )
    assert.deepEqual(
      [outcomes[1]!.title, outcomes[1]!.detail],
      ['Conflict', 'there is a role sdk-twice already'],
    )
  })

  test('may do nothing with a wrong password, and little without permission', async () => {
    await identity.user('sdk-powerless')
    const steps: Step[] = [
      ['getAuthentication'],
      ['createRole', { roleId: 'x', name: 'X' }],
      ['searchRoles', {}],
    ]
    const wrong = await operator(program, steps, { secret: 'wrong password' })
    assert.deepEqual(
      wrong.map(({ status }) => status),
      [401, 401, 401],
    )
    const [me, created, found] = await operator(program, steps, { name: 'sdk-powerless' })
    assert.equal((me!.value as { username: string }).username, 'sdk-powerless')
    assert.equal(created?.status, 403)
    assert.deepEqual(itemsOf(found!), [])
  })

  test('has found nothing that the published schemas do not say', () => {
    assert.deepEqual(
      readdirSync(directory).filter(name => name.includes('captures')),
      [],
    )
  })
})

describe('@camunda8/orchestration-cluster-api 8.8, which takes no null in most places', () => {
  const asks = (steps: readonly Step[]) =>
    operator('camunda-identity', steps, {
      client: 'orchestration-cluster-api-8-8',
      validation: 'req:strict,res:strict',
    })

  test('asks who it is', async () => {
    const [me] = valuesOf(await asks([['getAuthentication']])) as [Record<string, unknown>]
    assert.deepEqual([me.username, me.salesPlanType], ['admin', ''])
  })

  test('reads what was made without a description, and an empty result', async () => {
    const steps = kinds.flatMap(({ name, id, document, search }): Step[] => {
      const { description: _, ...bare } = { description: '', ...document }
      const own = Object.fromEntries(Object.entries(id).map(([field, value]) => [field, `${value}-8`]))
      return [
        [`create${name}`, { ...own, ...bare, ...(name === 'User' && { password }) }],
        [`get${name}`, own],
        [search, { filter: own }],
        [`delete${name}`, own],
        [search, { filter: own }],
      ]
    })
    const outcomes = await asks(steps)
    valuesOf(outcomes)
    for (const i of kinds.keys()) {
      assert.equal(itemsOf(outcomes[i * 5 + 2]!).length, 1)
      assert.deepEqual(itemsOf(outcomes[i * 5 + 4]!), [])
    }
  })

  test('finds members, none of them, and permissions', async () => {
    const outcomes = await asks([
      ...memberships.map(
        ([, , search, of]): Step => [search, { [of]: of === 'tenantId' ? '<default>' : 'admin' }],
      ),
      ['searchAuthorizations', { page: { limit: 2 } }],
      ['searchAuthorizations', { filter: { ownerId: 'nobody' } }],
    ])
    const known = outcomes.filter(({ status }) => status !== 404)
    valuesOf(known)
    assert.ok(known.length >= 8)
  })
})

describe('@camunda8/sdk', () => {
  const program = 'camunda-sdk-identity'
  const given = { username: 'sdk-8', password, name: 'Eight', email: 'eight@example.com' }

  test('creates users and finds them', async () => {
    const outcomes = await operator(program, [
      ['createUser', given],
      ['searchUsers', { filter: { username: 'sdk-8' } }],
      ['createUser', given],
    ])
    const [created, found, again] = outcomes
    valuesOf([created!, found!])
    const { items } = found!.value as { items: Record<string, unknown>[] }
    assert.deepEqual(
      items.map(({ username, name, email }) => ({ username, name, email })),
      [{ username: 'sdk-8', name: 'Eight', email: 'eight@example.com' }],
    )
    assert.match(JSON.stringify(again), /409/)
  })

  test('is refused with a wrong password', async () => {
    const [found] = await operator(program, [['searchUsers', {}]], { secret: 'wrong password' })
    assert.match(JSON.stringify(found), /401/)
  })
})
