import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { refusal, transformation } from '../../../../test/support/transformations.ts'
import { isProblem } from '../../problem.ts'
import { parseTransformation } from './index.ts'

const user = (...mappings: unknown[]) => ({ user: { mappings } })
const good = { sourcePath: '$.a', targetPath: '$.b' }

describe('a transformation is refused at its place', () => {
  const cases: [unknown, RegExp][] = [
    [undefined, /^transformation: write an object with the members user and group, not nothing$/],
    ['{}', /^transformation: write an object .* not a text$/],
    [[], /not a list$/],
    [{}, /^transformation: write a part for user or group$/],
    [{ users: {} }, /^transformation: there is no member users, the nearest is user$/],
    [{ user: [] }, /^user: write an object with mappings, not a list$/],
    [{ user: {} }, /^user: write a list of mappings$/],
    [{ user: { mappings: {} } }, /^user\.mappings: write a list, not an object$/],
    [{ user: { mappings: new Array(1001).fill(good) } }, /^user\.mappings: has more than 1000 items$/],
    [{ user: { mappings: [], mapping: [] } }, /^user: there is no member mapping, the nearest is mappings$/],
    [{ user: { mappings: [], ignore: 'yes' } }, /^user\.ignore: write true or false, not a text$/],
    [{ user: { mappings: [], condition: '' } }, /^user\.condition: write a text, not an empty one$/],
    [{ user: { mappings: [], condition: '$.a ==' } }, /^user\.condition: \$\.a ==: .* at character 7$/],
    [
      { user: { mappings: [], skipOperations: ['creat'] } },
      /^user\.skipOperations\[0\]: write one of create, update, delete, not creat$/,
    ],
    [user('x'), /^user\.mappings\[0\]: write an object such as/],
    [
      user(good, { ...good, sorcePath: '$' }),
      /^user\.mappings\[1\]: there is no member sorcePath, the nearest is sourcePath$/,
    ],
    [
      user({ targetPath: '$.b' }),
      /^user\.mappings\[0\]: write where from: sourcePath, sourceVariable, constant$/,
    ],
    [
      user({ ...good, constant: 1 }),
      /write one of sourcePath, sourceVariable, constant, not sourcePath and constant$/,
    ],
    [user({ sourcePath: '$.a' }), /^user\.mappings\[0\]: write where to: targetPath or targetVariable$/],
    [user({ ...good, sourcePath: '@.a' }), /^user\.mappings\[0\]\.sourcePath: a source begins with \$$/],
    [user({ ...good, targetPath: '@.a' }), /^user\.mappings\[0\]\.targetPath: a target begins with \$$/],
    [
      user({ ...good, targetPath: '$..a' }),
      /^user\.mappings\[0\]\.targetPath: \$\.\.a can be read, but not written: part 1 names no place$/,
    ],
    [user({ ...good, targetPath: '$.a[-1]' }), /can be read, but not written: part 2/],
    [user({ ...good, targetPath: '$.__proto__.a' }), /no member may be named __proto__/],
    [
      user({ ...good, targetVariable: 'a b' }),
      /^user\.mappings\[0\]\.targetVariable: write a name of letters/,
    ],
    [user({ ...good, targetVariable: '__proto__' }), /targetVariable: write a name of letters/],
    [user({ sourceVariable: 'a-b', targetPath: '$.a' }), /sourceVariable: write a name of letters/],
    [user({ ...good, variablePath: '$.a' }), /variablePath: goes with sourceVariable$/],
    [user({ ...good, optional: 1 }), /^user\.mappings\[0\]\.optional: write true or false, not a number$/],
    [
      user({ ...good, type: 'delete' }),
      /^user\.mappings\[0\]\.type: write one of set, valueMapping, remove, rename, not delete$/,
    ],
    [
      user({ ...good, type: 'remove' }),
      /^user\.mappings\[0\]: a mapping of the type remove has no sourcePath$/,
    ],
    [user({ type: 'remove' }), /write what to remove as targetPath$/],
    [user({ type: 'rename', targetPath: '$.a' }), /write the new name as constant$/],
    [user({ type: 'rename', targetPath: '$.a[0]', constant: 'b' }), /only a member has a name/],
    [
      user({ type: 'rename', targetPath: '$.a', constant: 'constructor' }),
      /no member may be named constructor/,
    ],
    [
      user({ ...good, scope: 'create' }),
      /^user\.mappings\[0\]\.scope: write one of createEntity, patchEntity, deleteEntity, not create$/,
    ],
    [user({ ...good, functions: {} }), /^user\.mappings\[0\]\.functions: write a list, not an object$/],
    [user({ ...good, functions: new Array(51).fill({ function: 'toString' }) }), /has more than 50 items$/],
    [user({ type: 'valueMapping', targetPath: '$.a' }), /write sourcePaths$/],
    [user({ type: 'valueMapping', targetPath: '$.a', sourcePaths: ['$.a'] }), /write valueMappings$/],
    [
      user({ type: 'valueMapping', targetPath: '$.a', sourcePaths: [1], valueMappings: [] }),
      /sourcePaths\[0\]: write a path$/,
    ],
    [
      user({
        type: 'valueMapping',
        targetPath: '$.a',
        sourcePaths: ['$.a'],
        valueMappings: [{ key: ['a', 'b'], mappedValue: 1 }],
      }),
      /^user\.mappings\[0\]\.valueMappings\[0\]\.key: write a list of one text for each of the 1 sourcePaths$/,
    ],
    [
      user({
        type: 'valueMapping',
        targetPath: '$.a',
        sourcePaths: ['$.a'],
        valueMappings: [{ key: ['a'] }],
      }),
      /mappedValue is missing$/,
    ],
    [
      JSON.parse(`{"user":${'['.repeat(100)}${']'.repeat(100)}}`),
      /^transformation: is nested deeper than 64$/,
    ],
  ]
  for (const [document, reason] of cases)
    test(reason.source.slice(0, 100), () => assert.match(refusal(document), reason))

  test('reading has no operations and no scopes', () => {
    assert.match(refusal({ user: { mappings: [], skipOperations: [] } }, 'read'), /^user\.skipOperations: /)
    assert.match(refusal(user({ ...good, scope: 'createEntity' }), 'read'), /scopes are for write/)
  })

  test('what is ignored is right as well', () => {
    assert.match(refusal({ user: { ignore: true, mappings: [{ ...good, sourcePath: 'a' }] } }), /begins with/)
    assert.match(refusal(user({ ...good, ignore: true, sourcePath: 'a' })), /begins with/)
  })

  test('callers are told in the letters that a problem may have', () => {
    const problem = parseTransformation(user({ ...good, sourcePath: '$["ä\\"' }), 'write')
    assert.ok(isProblem(problem))
    assert.match(problem.description, /^[ !#-[\]-~]+$/)
    assert.match(problem.reason, /ä/)
  })
})

test('a transformation is taken with all that it may have', () => {
  const parsed = transformation({
    user: {
      ...{ condition: '$.a EMPTY false', ignore: false, scimEntityEndpoint: 'Users' },
      skipOperations: ['create', 'update', 'delete'],
      mappings: [
        {
          ...good,
          ...{ type: 'set', optional: true, ignore: false, condition: '$.a', scope: 'createEntity' },
        },
      ],
    },
    group: { ignore: 'true', mappings: [] },
  })
  assert.equal(parsed.kind, 'write')
  assert.deepEqual([parsed.handles('user'), parsed.handles('group')], [true, false])
})
