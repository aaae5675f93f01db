import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '../../..')
const checklist = readFileSync(join(root, 'test/security-checklist.md'), 'utf8')

/** The file and the title of each test that the checklist names. */
const named = [...checklist.matchAll(/`([^`]+\.ts)`: (.+?)(?: \|)?$/gm)].map(([, file, title]) => ({
  file: file!.includes('/') ? join(root, file!) : join(import.meta.dirname, file!),
  title: title!.replaceAll('\\|', '|'),
}))

test('every test that the security checklist names is there', () => {
  assert.ok(named.length > 80)
  for (const { file, title } of named) {
    const source = readFileSync(file, 'utf8')
    const calls = ["'", '"', '`'].map(quote => `test(${quote}${title}${quote}`)
    assert.ok(
      calls.some(call => source.includes(call)),
      `${file}: ${title}`,
    )
  }
})

test('rules 1 to 48 are all there', () => {
  const rules = [...Array(48).keys()].map(i => i + 1)
  for (const rule of rules) assert.match(checklist, new RegExp(`^\\| ${rule} \\|`, 'm'))
})
