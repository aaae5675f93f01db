import assert from 'node:assert/strict'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createLog } from './pino.ts'

function written(format: 'json' | 'text', write: (log: ReturnType<typeof createLog>) => void): string {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-log-'))
  const file = join(directory, 'log')
  const log = createLog({ level: 'info', format, fd: openSync(file, 'w') })
  write(log)
  log.flush()
  const text = readFileSync(file, 'utf8')
  rmSync(directory, { recursive: true })
  return text
}

test('text: level, two spaces, message, and what more there is to say', () => {
  const text = written('text', log => log.warn({ tenant: 'acme', status: 401 }, 'request refused'))
  assert.equal(text, 'WARN  request refused tenant=acme status=401\n')
})

test('nothing that a stranger sends forges a line, quotes or colours', () => {
  const evil = 'x\r\nERROR  you were hacked\u001b[31m\u2028 a="b'
  for (const format of ['text', 'json'] as const) {
    const text = written(format, log => log.info({ clientId: evil }, evil))
    assert.equal(text.split('\n').length, 2, format)
    assert.ok(!text.includes('\u001b') && !text.includes('\r'), format)
  }
})

test('below the level nothing is written', () => {
  assert.equal(
    written('json', log => log.debug({}, 'quiet')),
    '',
  )
})
