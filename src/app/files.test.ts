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

test('a directory is made for its owner only, also inside another one and whatever the umask', () => {
  const umask = process.umask(0)
  try {
    makePrivateDirectory(join(directory, 'a', 'b'))
  } finally {
    process.umask(umask)
  }
  assert.deepEqual([mode(join(directory, 'a')), mode(join(directory, 'a', 'b'))], [0o700, 0o700])
})

function existing(name: string, bits: number, ...files: string[]): string {
  const path = join(directory, name)
  mkdirSync(path)
  for (const file of files) writeFileSync(join(path, file), '')
  chmodSync(path, bits)
  return path
}

test('a directory that is there and closed to others is taken as it is', () => {
  for (const bits of [0o700, 0o500]) {
    const path = existing(`closed-${bits}`, bits, 'file')
    makePrivateDirectory(path)
    assert.equal(mode(path), bits)
    assert.deepEqual(readdirSync(path), ['file'])
  }
})

test('an empty directory that others can look into is closed to them', () => {
  for (const bits of [0o755, 0o750, 0o711, 0o704]) {
    const path = existing(`empty-${bits}`, bits)
    makePrivateDirectory(path)
    assert.equal(mode(path), 0o700)
  }
})

test('a directory with files that others can look into, or one that they can write to, is refused as it is', () => {
  for (const [bits, files, can] of [
    [0o755, ['file'], 'look into'],
    [0o710, ['file'], 'look into'],
    [0o770, [], 'write to'],
    [0o702, [], 'write to'],
    [0o1777, ['file'], 'write to'],
  ] as const) {
    const path = existing(`open-${bits}`, bits, ...files)
    assert.throws(() => makePrivateDirectory(path), new RegExp(`others can ${can} ${path}: .*chmod 700`))
    assert.equal(mode(path), bits & 0o777)
  }
})

test('a file in the place of a directory is refused', () => {
  const path = join(directory, 'no-directory')
  writeFileWhole(path, '')
  assert.throws(() => makePrivateDirectory(path), /EEXIST/)
})
