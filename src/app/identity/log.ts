import type { Log } from '../../core/context.ts'
import type { IdentitySettings, LogLevel } from '../camunda/settings.ts'

const levels: readonly string[] = ['debug', 'info', 'warn', 'error', 'off']
const drop = (): void => {}

/** What of a log is of a level, or above. */
export function fromLevel(log: Log, least: string): Log {
  const from = levels.indexOf(least)
  const of = (level: keyof Log): Log[keyof Log] => (levels.indexOf(level) >= from ? log[level] : drop)
  return { debug: of('debug'), info: of('info'), warn: of('warn'), error: of('error') }
}

/** The levels of the parts: `LOGGING_LEVEL_ROOT` is that of everything, the others are those of the identity service. */
export interface PartLevels {
  /** The least that any part writes. */
  readonly least: string
  readonly root: string
  readonly identity: string
}

export function partLevels(usual: string, settings: IdentitySettings | undefined): PartLevels {
  const { root = usual as LogLevel, authentication, security } = settings?.logLevels ?? {}
  const identity = leastOf([authentication, security].filter(level => level !== undefined)) ?? root
  return { least: leastOf([root, identity])!, root, identity }
}

const leastOf = (given: readonly string[]): string | undefined =>
  given.toSorted((one, other) => levels.indexOf(one) - levels.indexOf(other))[0]
