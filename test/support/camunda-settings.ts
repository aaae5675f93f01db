import { readIdentitySettings } from '../../src/app/camunda/read.ts'
import type { IdentitySettings } from '../../src/app/camunda/settings.ts'

export type Env = Readonly<Record<string, string>>

/** No file with a secret is there. */
export const readSecretFile = (path: string): string => {
  throw new Error(`ENOENT: no such file or directory, open '${path}'`)
}

export const read = (env: Env) => readIdentitySettings({ env, readSecretFile })

export const settingsOf = (env: Env): IdentitySettings => read(env).settings!

export const messages = (env: Env, level: 'info' | 'warn') =>
  read(env)
    .notices.filter(notice => notice.level === level)
    .map(notice => notice.message)

/** What the service does where nothing is said. */
export const defaults: IdentitySettings = {
  port: 8080,
  tls: undefined,
  method: 'basic',
  certAuthEnabled: false,
  authorizationsEnabled: true,
  unprotectedApi: false,
  csrfEnabled: true,
  persistentSessions: false,
  sessionMaxInactiveMs: 1_800_000,
  oidc: {
    issuer: undefined,
    issuerBackendUrl: undefined,
    clientId: undefined,
    clientSecret: undefined,
    audiences: [],
    grantType: 'authorization_code',
    scopes: [],
    jwkSetUri: undefined,
    additionalJwkSetUris: [],
    tokenUri: undefined,
    usernameClaim: 'sub',
    clientIdClaim: undefined,
    groupsClaim: undefined,
    preferUsernameClaim: false,
    clockSkewMs: 60_000,
    resource: [],
    clientAuthenticationMethod: 'client_secret_basic',
    identityType: undefined,
  },
  assertion: undefined,
  zeebeAssertion: undefined,
  mtls: {
    enabled: false,
    trustedCertificates: [],
    defaultRoles: [],
    requireValidChain: true,
    checkRevocation: false,
    allowSelfSigned: false,
    subjectDnPattern: undefined,
    principal: 'cn',
  },
  initialization: {
    mappingRules: [],
    roles: [],
    groups: [],
    tenants: [],
    users: [],
    authorizations: [],
    defaultRoles: {},
  },
  logLevels: {},
  allowNetwork: false,
}
