import { ConfigError } from '../config.ts'
import { readAssertion, readZeebeAssertion } from './assertion.ts'
import { type Bound, bind } from './bind.ts'
import { type Entry, entriesOf, type Sources } from './entries.ts'
import { readInitialization } from './initialization.ts'
import { readLogLevels } from './log-levels.ts'
import { readMtls } from './mtls.ts'
import { nameNotices, settingNotices, withoutEffectBy } from './notices.ts'
import { readOidc } from './oidc.ts'
import type { IdentitySettings, Notice } from './settings.ts'
import { readTls } from './tls.ts'
import { boolean, oneOf, port, positive } from './values.ts'

/**
 * Reads what the variables of the described Camunda system say, in the environment (which wins) and in a properties or
 * YAML file. `settings` is undefined when none of them is set. Throws ConfigError, which names the variable and what to
 * write; no message holds a secret.
 */
export function readIdentitySettings(given: Sources): {
  readonly settings: IdentitySettings | undefined
  readonly notices: readonly Notice[]
} {
  const entries = entriesOf(given)
  const notices = nameNotices(entries)
  if (!entries.some(startsService))
    return { settings: undefined, notices: notices.filter(notice => notice.level === 'warn') }
  const bound = bind(entries, given)
  const settings = readSettings(bound)
  const set = new Set(entries.map(({ means }) => means?.id))
  return {
    settings,
    notices: [
      ...notices,
      ...settingNotices(
        settings,
        id => bound.nameOf(id),
        id => set.has(id),
      ),
    ],
  }
}

/** Settings of Countersign, and those of programs that call the service, do not start one. */
function startsService({ key, means }: Entry): boolean {
  const id = means?.id
  if (id !== undefined) return id !== 'allowNetwork' && id !== 'mtlsPrincipal' && id !== 'assertionAlgorithm'
  const idle = withoutEffectBy(key)
  return idle !== undefined && !idle.ofClients
}

function readSettings(bound: Bound): IdentitySettings {
  const method = bound.get('method', oneOf(['basic', 'oidc'])) ?? 'basic'
  const certAuthEnabled = bound.get('certAuthEnabled', boolean) ?? false
  const assertion = readAssertion(bound)
  if (certAuthEnabled && method === 'oidc' && !assertion)
    throw new ConfigError(
      `${bound.nameOf('certAuthEnabled')} needs a key: set CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_ASSERTION_KEYSTORE_PATH and _PASSWORD`,
    )
  const initialization = readInitialization(bound)
  if (method === 'oidc' && initialization.users.length > 0)
    throw new ConfigError(
      `Creation of initial users is not supported with \`OIDC\` authentication method: leave out ${bound.nameOf('userName', { n: 0 })}, or set ${bound.nameOf('method')} to BASIC`,
    )
  return {
    port: bound.get('port', port) ?? 8080,
    tls: readTls(bound),
    method,
    certAuthEnabled,
    authorizationsEnabled: bound.get('authorizationsEnabled', boolean) ?? true,
    unprotectedApi: bound.get('unprotectedApi', boolean) ?? false,
    csrfEnabled: bound.get('csrfEnabled', boolean) ?? true,
    persistentSessions: bound.get('persistentSessions', boolean) ?? false,
    sessionMaxInactiveMs: bound.get('sessionMaxInactive', positive) ?? 1_800_000,
    oidc: readOidc(bound, assertion !== undefined),
    assertion,
    zeebeAssertion: readZeebeAssertion(bound),
    mtls: readMtls(bound),
    initialization,
    logLevels: readLogLevels(bound),
    allowNetwork: bound.get('allowNetwork', boolean) ?? false,
  }
}
