import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { surroundings, transformation } from '../../../../../test/support/transformations.ts'
import {
  applyTransformation,
  type EntityType,
  type JsonObject,
  type Lookup,
  type Surroundings,
  scimReadTransformation,
  scimWriteTransformation,
} from '../index.ts'

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const core = 'urn:ietf:params:scim:schemas:core:2.0:User'

const user = {
  ...{ schemas: [core, enterprise], id: 's1', externalId: '70', userName: 'bjensen', active: true },
  meta: { resourceType: 'User', version: 'W/"1"' },
  emails: [{ value: 'b@example.com', primary: true }, { value: 'b@home.example' }],
  groups: [{ value: 'g1', display: 'Guides' }],
  [enterprise]: { department: 'Tours', manager: { value: 's2', $ref: '../Users/s2', displayName: 'Smith' } },
}

const group = {
  ...{ schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], id: 'g1', displayName: 'Guides' },
  meta: { resourceType: 'Group' },
  members: [
    { value: 's1', $ref: '../Users/s1', type: 'User', display: 'Babs' },
    { value: 's9', $ref: '../Users/s9', type: 'User' },
    { value: 'g2', type: 'Group' },
    { value: 's2' },
  ],
}

const read = transformation(scimReadTransformation, 'read')
const write = transformation(scimWriteTransformation)
const inTarget = new Map([
  ['user s1', 't1'],
  ['user s2', 't2'],
  ['group g2', 't3'],
])
const lookup: Lookup = ({ entityType, id }) => inTarget.get(`${entityType} ${id}`)

function outcome(
  using: typeof read,
  type: EntityType,
  document: JsonObject,
  more: Partial<Surroundings> = {},
) {
  const made = applyTransformation(using, type, document, { ...surroundings, ...more })
  assert.ok(made.kind === 'mapped', JSON.stringify(made))
  return made
}

describe('the defaults for SCIM', () => {
  test('read a user without what is the server’s', () => {
    const { id: _, meta: __, ...others } = user
    const made = outcome(read, 'user', user)
    assert.deepEqual(made.document, others)
    assert.deepEqual(made.variables, { entityIdSourceSystem: 's1' })
    assert.deepEqual(Object.values(made.correlation), ['bjensen', 'b@example.com'])
  })

  test('create a user without an id, with the manager in the target', () => {
    const common = outcome(read, 'user', user).document
    const { groups: _, ...others } = common
    assert.deepEqual(outcome(write, 'user', common, { operation: 'create', lookup }).document, {
      ...others,
      [enterprise]: { department: 'Tours', manager: { value: 't2' } },
    })
  })

  test('update a user by its id in the target, without a manager who is not there', () => {
    const common = outcome(read, 'user', user).document
    const more = {
      operation: 'update',
      lookup: () => undefined,
      variables: { entityIdTargetSystem: 't1' },
    } as const
    const made = outcome(write, 'user', common, more).document
    assert.equal(made.id, 't1')
    assert.deepEqual(made[enterprise], { department: 'Tours' })
    assert.deepEqual(made.schemas, user.schemas)
  })

  test('take a user with next to nothing', () => {
    const common = outcome(read, 'user', { id: 's1', userName: 'x' }).document
    assert.deepEqual(outcome(write, 'user', common, { lookup }).document, { userName: 'x' })
  })

  test('write the members of a group that are in the target', () => {
    const made = outcome(read, 'group', group)
    assert.deepEqual(made.document.members, group.members)
    assert.deepEqual(outcome(write, 'group', made.document, { operation: 'create', lookup }).document, {
      ...{ schemas: group.schemas, displayName: 'Guides' },
      members: [{ value: 't1', type: 'User' }, { value: 't3', type: 'Group' }, { value: 't2' }],
    })
  })

  test('write a group with one member, with none that is known, and with none', () => {
    const members = (some: JsonObject) => outcome(write, 'group', some, { lookup }).document.members
    assert.deepEqual(members({ members: [{ value: 's1' }] }), [{ value: 't1' }])
    assert.deepEqual(members({ members: [{ value: 's9' }] }), [])
    assert.equal(members({ displayName: 'x' }), undefined)
  })

  test('fail for a user without an id', () => {
    const made = applyTransformation(read, 'user', { userName: 'x' }, surroundings)
    assert.ok(made.kind === 'failed' && made.reason.includes('$.id has no value'))
  })
})

test('the transformation that SAP has for SCIM sources works', () => {
  const sap = transformation(
    {
      user: {
        condition: '($.emails EMPTY false)',
        mappings: [
          { sourcePath: '$', targetPath: '$' },
          { sourcePath: '$.id', targetVariable: 'entityIdSourceSystem' },
          { sourcePath: '$.emails[?(@.primary== true)].value', optional: true, correlationAttribute: true },
          { type: 'remove', targetPath: '$.meta' },
        ],
      },
      group: { ignore: true, mappings: [] },
    },
    'read',
  )
  const { meta: _, ...others } = user
  const made = outcome(sap, 'user', user)
  assert.deepEqual(made.document, others)
  assert.deepEqual(made.variables, { entityIdSourceSystem: 's1' })
  assert.deepEqual(Object.values(made.correlation), ['b@example.com'])
  assert.equal(sap.handles('group'), false)
  assert.deepEqual(applyTransformation(sap, 'user', { id: 's1' }, surroundings), {
    kind: 'skipped',
    reason: 'The condition: (($.emails EMPTY false)), is not fulfilled.',
  })
})
