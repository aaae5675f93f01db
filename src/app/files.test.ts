import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { makePrivateDirectory, readFileIfThere, writeFileWhole, writeNewFileWhole } from './files.ts'

const directory = mkdtempSync(join(tmpdir(), 'countersign-files-'))
after(() => rmSync(directory, { recursive: true }))
const mode = (path: string) => statSync(path).mode & 0o777

test('a file is written for its owner only, whatever the umask and whatever was there', () => {
  const path = join(directory, 'secret')
  const umask = process.umask(0)
  try {
    writeFileWhole(path, 'one')
    assert.equal(mode(path), 0o600)
    chmodSync(path, 0o644)
    writeFileWhole(path, 'two')
  } finally {
    process.umask(umask)
  }
  assert.deepEqual([readFileSync(path, 'utf8'), mode(path)], ['two', 0o600])
})

test('a file may be made for everybody to read, whatever the umask', () => {
  const path = join(directory, 'public')
  const umask = process.umask(0o077)
  try {
    writeFileWhole(path, 'x', 0o644)
  } finally {
    process.umask(umask)
  }
  assert.equal(mode(path), 0o644)
})

test('a file that cannot be written is left as it was', () => {
  const path = join(directory, 'kept')
  writeFileWhole(path, 'old')
  mkdirSync(`${path}.${process.pid}.tmp`)
  assert.throws(() => writeFileWhole(path, 'new'), /EISDIR/)
  assert.equal(readFileSync(path, 'utf8'), 'old')
})

test('a new file is written only where there is none', () => {
  const path = join(directory, 'new')
  assert.equal(writeNewFileWhole(path, 'first'), true)
  assert.equal(writeNewFileWhole(path, 'second'), false)
  assert.deepEqual([readFileSync(path, 'utf8'), mode(path)], ['first', 0o600])
  assert.deepEqual(
    readdirSync(directory).filter(name => name.startsWith('new.')),
    [],
  )
})

test('a file that is missing is told from one that cannot be read', () => {
  assert.equal(readFileIfThere(join(directory, 'absent')), undefined)
  assert.throws(() => readFileIfThere(directory), /EISDIR/)
})

test('a directory is closed to others, also one that was open to them, and one inside another', () => {
  const path = join(directory, 'a', 'b')
  makePrivateDirectory(path)
  assert.equal(mode(path), 0o700)
  chmodSync(path, 0o755)
  writeFileSync(join(path, 'file'), '')
  makePrivateDirectory(path)
  assert.equal(mode(path), 0o700)
  assert.deepEqual(readdirSync(path), ['file'])
})
