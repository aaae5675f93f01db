import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Log } from '../../core/context.ts'
import type { IdentitySettings } from '../camunda/settings.ts'
import { fromLevel, partLevels } from './log.ts'

const settings = (logLevels: IdentitySettings['logLevels']) => ({ logLevels }) as IdentitySettings

test('without levels of the described system everything has the level of Countersign', () => {
  assert.deepEqual(partLevels('info', undefined), { least: 'info', root: 'info', identity: 'info' })
  assert.deepEqual(partLevels('warn', settings({})), { least: 'warn', root: 'warn', identity: 'warn' })
})

test('LOGGING_LEVEL of a part is that of the identity service; of the root that of everything', () => {
  assert.deepEqual(partLevels('info', settings({ authentication: 'debug' })), {
    least: 'debug',
    root: 'info',
    identity: 'debug',
  })
  assert.deepEqual(partLevels('info', settings({ authentication: 'error', security: 'warn' })), {
    least: 'info',
    root: 'info',
    identity: 'warn',
  })
  assert.deepEqual(partLevels('debug', settings({ root: 'warn' })), {
    least: 'warn',
    root: 'warn',
    identity: 'warn',
  })
  assert.deepEqual(partLevels('info', settings({ root: 'off' })), {
    least: 'warn',
    root: 'off',
    identity: 'off',
  })
})

test('what is below a level is not written, and off is silent but for warnings of security', () => {
  const lines: string[] = []
  const write = (level: string) => (_: object, message: string) => void lines.push(`${level} ${message}`)
  const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  const all = (to: Log) => {
    for (const level of ['debug', 'info', 'warn', 'error'] as const) to[level]({}, 'x')
    return lines.splice(0)
  }
  assert.deepEqual(all(fromLevel(log, 'warn')), ['warn x', 'error x'])
  assert.deepEqual(all(fromLevel(log, 'debug')), ['debug x', 'info x', 'warn x', 'error x'])
  assert.deepEqual(all(fromLevel(log, 'off')), [])
  const security = 'SECURITY: whoever calls is let in'
  for (const level of ['warn', 'error', 'off']) {
    fromLevel(log, level).warn({}, security)
    assert.deepEqual(lines.splice(0), [`warn ${security}`], level)
  }
})
