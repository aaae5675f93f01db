import assert from 'node:assert/strict'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mock, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
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

test('json: level, time, fields and message, one object a line; what is undefined is left out', () => {
  const text = written('json', log => {
    log.info({ clientId: 'sb-1', method: undefined, status: 200 }, 'first')
    log.warn({}, 'second')
  })
  const [first, second, rest] = text.split('\n')
  assert.match(
    first!,
    /^\{"level":"info","time":"\d{4}-\d\d-\d\dT[\d:.]+Z","clientId":"sb-1","status":200,"message":"first"\}$/,
  )
  assert.equal(JSON.parse(second!).level, 'warn')
  assert.equal(rest, '')
})

test('an error is written at once, with what came before it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-log-'))
  const file = join(directory, 'log')
  // The timer of the log would write as well, but later.
  mock.timers.enable({ apis: ['setInterval'] })
  const log = createLog({ level: 'debug', format: 'text', fd: openSync(file, 'w') })
  log.debug({}, 'before')
  log.error({}, 'broken')
  while (readFileSync(file, 'utf8') === '') await turn()
  assert.equal(readFileSync(file, 'utf8'), 'DEBUG  before\nERROR  broken\n')
  mock.timers.reset()
  rmSync(directory, { recursive: true })
})
