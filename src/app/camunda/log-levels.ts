import type { Bound } from './bind.ts'
import type { IdentitySettings, LogLevel } from './settings.ts'
import { type Given, oneOf } from './values.ts'

/** `LOGGING_LEVEL_*`. Throws ConfigError. */
export function readLogLevels(bound: Bound): IdentitySettings['logLevels'] {
  const root = bound.get('logRoot', level)
  const authentication = bound.get('logAuthentication', level)
  const security = bound.get('logSecurity', level)
  return {
    ...(root && { root }),
    ...(authentication && { authentication }),
    ...(security && { security }),
  }
}

const names = oneOf(['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'OFF'])

const level = (given: Given): LogLevel => levels[names(given)]

const levels: Readonly<Record<ReturnType<typeof names>, LogLevel>> = {
  TRACE: 'debug',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
  FATAL: 'error',
  OFF: 'off',
}
