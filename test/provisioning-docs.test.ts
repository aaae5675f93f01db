import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { jobStatuses, systemTypes } from '../src/core/provisioning/index.ts'
import { headerPrefix, jobProperties } from '../src/core/provisioning/types/common.ts'

const page = readFileSync(new URL('../docs/provisioning.md', import.meta.url), 'utf8')

test('docs/provisioning.md has every type and every property of systems, and every status of jobs', () => {
  const properties = [...systemTypes.flatMap(type => type.properties), ...jobProperties]
  const names = [...properties, ...systemTypes].map(({ name }) => name)
  const missing = [...names, ...jobStatuses].filter(name => !page.includes(`\`${name}\``))
  assert.deepEqual([...new Set(missing)], [])
  assert.ok(page.includes(`\`${headerPrefix}<name>\``))
})

test('docs/provisioning.md has no property that there is not', () => {
  const known = new Set(
    [...systemTypes.flatMap(type => type.properties), ...jobProperties].map(one => one.name),
  )
  const told = [...page.matchAll(/`((?:ips|scim|file)\.[a-z.]+)(?==|`)/g)].map(([, name]) => name!)
  const unknown = told.filter(name => !known.has(name) && !/\.$/.test(name))
  assert.deepEqual(unknown, [])
})
