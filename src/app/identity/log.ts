import type { Log } from '../../core/context.ts'
import type { IdentitySettings, LogLevel } from '../camunda/settings.ts'

const levels: readonly string[] = ['debug', 'info', 'warn', 'error', 'off']
const drop = (): void => {}

/** These say at each start who is let in without a credential: no level keeps them away. */
const always = /^SECURITY: /

/** What of a log is of a level, or above; and warnings of security. */
export function fromLevel(log: Log, least: string): Log {
  const from = levels.indexOf(least)
  const of = (level: keyof Log): Log[keyof Log] => (levels.indexOf(level) >= from ? log[level] : drop)
  const warn: Log['warn'] = (fields, message) => {
    if (always.test(message)) log.warn(fields, message)
  }
  return {
    debug: of('debug'),
    info: of('info'),
    warn: levels.indexOf('warn') >= from ? log.warn : warn,
    error: of('error'),
  }
}

/** The levels of the parts: `LOGGING_LEVEL_ROOT` is that of everything, the others are those of the identity service. */
export interface PartLevels {
  /** The least that any part writes; warnings of security at any level. */
  readonly least: string
  readonly root: string
  readonly identity: string
}

export function partLevels(usual: string, settings: IdentitySettings | undefined): PartLevels {
  const { root = usual as LogLevel, authentication, security } = settings?.logLevels ?? {}
  const identity = leastOf([authentication, security].filter(level => level !== undefined)) ?? root
  return { least: leastOf([root, identity, 'warn'])!, root, identity }
}

const leastOf = (given: readonly string[]): string | undefined =>
  given.toSorted((one, other) => levels.indexOf(one) - levels.indexOf(other))[0]
