import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { subjectPattern } from './subject-pattern.ts'

const described = subjectPattern('CN=(.*?)(?:,|$)')

describe('a pattern for subjects', () => {
  test('finds the name wherever it stands', () => {
    for (const subject of ['CN=alice', 'CN=alice,O=Example', 'O=Example,CN=alice', 'OU=a+CN=alice,C=DE'])
      assert.deepEqual(described(subject), ['alice'], subject)
    assert.deepEqual(subjectPattern(',CN=([^,]+)')('O=Example,CN=alice'), ['alice'])
    assert.deepEqual(subjectPattern('^(.*)$')('CN=alice'), ['CN=alice'])
  })

  test('finds nothing inside of values, which others may have chosen', () => {
    for (const subject of [
      'O=CN=admin',
      'O=x\\,CN=admin',
      'O=x\\+CN=admin',
      'O=x\\\\\\,CN=admin',
      'XCN=admin',
    ])
      assert.deepEqual(described(subject), [], subject)
    assert.deepEqual(described('O=CN=admin,CN=mallory'), ['mallory'])
    assert.deepEqual(described('O=x\\\\,CN=alice'), ['alice'])
  })

  test('finds all of several', () => {
    assert.deepEqual(described('CN=alice,CN=admin'), ['alice', 'admin'])
  })

  test('takes no longer for a subject that was made to take long', () => {
    const slow = subjectPattern('CN=((?:a+)+)(?:,|$)')
    assert.deepEqual(slow(`CN=${'a'.repeat(5000)}!`), [])
  })
})
