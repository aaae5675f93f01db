import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { tables } from '../../../test/support/camunda-tables.ts'
import { recognize } from './entries.ts'
import { withoutEffectBy } from './notices.ts'
import { authenticationVariables } from './variables/authentication.ts'
import { variables, withoutEffect } from './variables/index.ts'
import { initializationVariables } from './variables/initialization.ts'
import { oidcVariables } from './variables/oidc.ts'
import { serverVariables } from './variables/server.ts'

const page = readFileSync(new URL('../../../docs/camunda-configuration.md', import.meta.url), 'utf8')
const example = (name: string) => name.replace('<n>', '3').replace('<role>', 'ADMIN').replace('*', 'X')

test('the documentation has the tables of the code', () => {
  const { withEffect, without } = tables()
  assert.ok(page.includes(`\n${withEffect}\n`), `write this into the page:\n${withEffect}`)
  assert.ok(page.includes(`\n${without}\n`), `write this into the page:\n${without}`)
})

test('every variable that the documentation names is known', () => {
  const names = page.match(/\b(CAMUNDA|ZEEBE|SERVER|SPRING|LOGGING|INITIAL)_[A-Z0-9_]*[A-Z0-9]\b(?![_<*])/g)!
  assert.ok(names.length > 100)
  for (const name of names) assert.ok(recognize(name) ?? withoutEffectBy(name), name)
})

test('every name means the variable in whose row it stands, and no other', () => {
  const seen = new Set<string>()
  for (const [id, { names }] of Object.entries(variables))
    for (const name of names) {
      assert.equal(recognize(example(name))?.id, id, name)
      assert.equal(withoutEffectBy(example(name)), undefined, name)
      assert.ok(!seen.has(name), name)
      seen.add(name)
    }
  for (const { name } of withoutEffect) {
    assert.equal(recognize(example(name)), undefined, name)
    assert.ok(!seen.has(name), name)
    seen.add(name)
  }
})

test('no group of variables hides one of another', () => {
  const groups = [oidcVariables, authenticationVariables, serverVariables, initializationVariables]
  assert.equal(
    Object.keys(variables).length,
    groups.reduce((sum, group) => sum + Object.keys(group).length, 0),
  )
})
