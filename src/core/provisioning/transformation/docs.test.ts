import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { transformation } from '../../../../test/support/transformations.ts'
import { comparisons } from './compare.ts'
import { functions } from './functions/index.ts'
import { calls } from './predicates.ts'

const text = readFileSync(new URL('../../../../docs/transformations.md', import.meta.url), 'utf8')

test('the documentation knows every function and operator', () => {
  for (const name of [...functions.map(one => one.name), ...Object.keys(calls), ...Object.keys(comparisons)])
    assert.ok(text.includes(`\`${name}`), name)
})

test('the examples of the documentation are right', () => {
  const examples = [...text.matchAll(/```json\n(.*?)```/gs)].map(([, example]) => JSON.parse(example!))
  assert.equal(examples.length, 3)
  transformation(examples[0], 'read')
  for (const example of examples.slice(1)) transformation(example)
})
