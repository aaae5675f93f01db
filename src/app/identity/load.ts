import { readFileSync } from 'node:fs'
import { readIdentitySettings } from '../camunda/read.ts'
import type { IdentitySettings, Notice } from '../camunda/settings.ts'
import { type Config, ConfigError } from '../config.ts'

/** What the variables of the described system say, and where the service listens. */
export interface LoadedIdentity {
  readonly settings: IdentitySettings | undefined
  readonly notices: readonly Notice[]
  /** With another port, where both claimed one and nobody had chosen it for Countersign. */
  readonly config: Config
}

/** Throws ConfigError. */
export function loadIdentity(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
  file: { readonly name: string; readonly text: string } | undefined,
): LoadedIdentity {
  const { settings, notices } = readIdentitySettings({ env, ...(file && { file }), readSecretFile })
  if (!settings || settings.port === 0 || settings.port !== config.port) return { settings, notices, config }
  if (env.COUNTERSIGN_PORT)
    throw new ConfigError(
      `SERVER_PORT and COUNTERSIGN_PORT are both ${settings.port}: give one of them another port`,
    )
  const message = `port ${settings.port} is that of the identity service (SERVER_PORT); Countersign takes a free one: see "ready" below, or set COUNTERSIGN_PORT`
  return { settings, notices: [...notices, { level: 'warn', message }], config: { ...config, port: 0 } }
}

function readSecretFile(path: string): string {
  return readFileSync(path, 'utf8')
}
