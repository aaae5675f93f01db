import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defaults, messages, read, settingsOf } from '../../../test/support/camunda-settings.ts'
import { describedEnvironments } from '../../../test/support/camunda-tables.ts'
import type { IdentitySettings } from './settings.ts'

const tenant = 'https://login.microsoftonline.com/ea952511-6a7f-40b8-af71-6c1be6f0dade'
/** What Compose block and exports say alike, but for the path. */
const described = (path: string): IdentitySettings => ({
  ...defaults,
  method: 'oidc',
  certAuthEnabled: true,
  authorizationsEnabled: false,
  unprotectedApi: true,
  persistentSessions: true,
  oidc: {
    ...defaults.oidc,
    issuer: `${tenant}/v2.0`,
    issuerBackendUrl: `${tenant}/v2.0`,
    clientId: '6fe432f2-7dc3-4e13-b1b4-4cc8480c80b7',
    audiences: ['6fe432f2-7dc3-4e13-b1b4-4cc8480c80b7'],
    grantType: 'client_credentials',
    scopes: ['2622078b-0164-41ee-8794-3ff8d9f8e402/.default'],
    jwkSetUri: `${tenant}/discovery/v2.0/keys`,
    clientAuthenticationMethod: 'private_key_jwt',
    identityType: 'MICROSOFT',
  },
  assertion: {
    keystore: { path, password: 'password', type: 'PKCS12', alias: 'identity', keyPassword: 'password' },
    kid: { source: 'CERTIFICATE', digest: 'SHA1', encoding: 'BASE64URL', case: undefined },
  },
  initialization: {
    ...defaults.initialization,
    mappingRules: [
      {
        mappingRuleId: 'initial-claim',
        name: 'Initial claim',
        claimName: 'oid',
        claimValue: 'aaa3a5e0-1479-477b-af0e-4747374b9ed6',
      },
    ],
    defaultRoles: { admin: { users: [], clients: [], groups: [], mappingRules: ['initial-claim'] } },
  },
})

const opened = [
  'CAMUNDA_SECURITY_AUTHENTICATION_UNPROTECTEDAPI is true: callers who show nothing are let in, as anonymous and without roles',
  'CAMUNDA_SECURITY_AUTHORIZATIONS_ENABLED is false: whoever is authenticated may do everything',
]

describe('the described configurations are read as they stand', () => {
  test('the Compose block', () => {
    const env = describedEnvironments.compose()
    assert.equal(Object.keys(env).length, 22)
    assert.deepEqual(settingsOf(env), described('/certs/identity.p12'))
    assert.deepEqual(messages(env, 'warn'), opened)
    const store = 'everything is kept in the store of Countersign (`COUNTERSIGN_DATABASE_URL`)'
    assert.deepEqual(
      messages(env, 'info'),
      ['CLUSTERNAME', 'TYPE', 'URL'].map(
        name => `CAMUNDA_DATABASE_${name}: read, of no effect here, because ${store}`,
      ),
    )
  })

  test('the exports of the manual installation', () => {
    const env = describedEnvironments.manual()
    assert.equal(Object.keys(env).length, 29)
    assert.deepEqual(settingsOf(env), {
      ...described('/path/to/identity.p12'),
      zeebeAssertion: {
        keystore: {
          path: '/path/to/zeebe.p12',
          password: 'password',
          type: 'PKCS12',
          alias: 'zeebe',
          keyPassword: undefined,
        },
        kid: { source: 'CERTIFICATE', digest: 'SHA1', encoding: 'BASE64URL', case: undefined },
      },
    })
    assert.deepEqual(messages(env, 'warn'), opened)
    assert.equal(messages(env, 'info').length, 7)
  })

  test('the env list of Helm, its references resolved', () => {
    const env = describedEnvironments.helm({ 'keystore-password': 'store pw', 'key-password': 'key pw' })
    assert.equal(Object.keys(env).length, 10)
    assert.deepEqual(settingsOf(env), {
      ...defaults,
      method: 'oidc',
      certAuthEnabled: true,
      authorizationsEnabled: false,
      oidc: {
        ...defaults.oidc,
        grantType: 'client_credentials',
        scopes: ['{client-id}/.default'],
        clientAuthenticationMethod: 'private_key_jwt',
      },
      assertion: {
        keystore: {
          path: '/certs/identity.p12',
          password: 'store pw',
          type: 'PKCS12',
          alias: 'identity',
          keyPassword: 'key pw',
        },
        kid: { source: 'CERTIFICATE', digest: 'SHA1', encoding: 'BASE64URL', case: undefined },
      },
    })
    assert.deepEqual(messages(env, 'info'), [])
    assert.deepEqual(messages(env, 'warn'), [
      opened[1],
      'CAMUNDA_SECURITY_AUTHENTICATION_METHOD is OIDC, but no token is accepted before CAMUNDA_IDENTITY_ISSUER is set',
      'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_SCOPES still holds a name in braces: write the value that it stands for',
    ])
  })

  test('the mTLS block', () => {
    const env = describedEnvironments.mtls()
    assert.equal(Object.keys(env).length, 18)
    assert.deepEqual(settingsOf(env), {
      ...defaults,
      port: 8443,
      tls: {
        identity: {
          path: '/path/to/server-keystore.p12',
          password: 'changeit',
          type: 'PKCS12',
          alias: 'tomcat',
          keyPassword: undefined,
        },
        clientAuth: 'need',
        trust: {
          path: '/path/to/truststore.p12',
          password: 'changeit',
          type: 'PKCS12',
          alias: undefined,
          keyPassword: undefined,
        },
      },
      authorizationsEnabled: false,
      unprotectedApi: true,
      csrfEnabled: false,
      mtls: {
        ...defaults.mtls,
        enabled: true,
        trustedCertificates: ['/path/to/ca-cert.pem'],
        defaultRoles: ['user', 'admin'],
      },
    })
    assert.deepEqual(messages(env, 'info'), [])
    assert.deepEqual(messages(env, 'warn'), [
      ...opened,
      'CAMUNDA_SECURITY_CSRF_ENABLED is false: other web sites can use the sessions of browsers',
      'CAMUNDA_SECURITY_AUTHENTICATION_MTLS_DEFAULT_ROLES makes every caller with a trusted certificate an administrator',
    ])
  })

  test('mTLS is allowed beside tokens', () => {
    const env = { ...describedEnvironments.compose(), ...describedEnvironments.mtls() }
    const settings = settingsOf({ ...env, CAMUNDA_SECURITY_AUTHENTICATION_METHOD: 'oidc' })
    assert.deepEqual([settings.method, settings.mtls.enabled], ['oidc', true])
  })
})

describe('without a variable of the system', () => {
  test('there is no identity service', () => {
    for (const env of [
      {},
      { PATH: '/bin', PORT: '80', SERVER_NAME: 'x', SPRING_OF: '2', LOGGING: 'y', CAMUNDA: 'z' },
      { SERVER_PORT: '', CAMUNDA_IDENTITY_ISSUER: ' ' },
      { CAMUNDA_CLIENT_ID: 'x', CAMUNDA_CLIENT_SECRET: 'y', ZEEBE_REST_ADDRESS: 'http://localhost' },
      { COUNTERSIGN_IDENTITY_LET_NETWORK_ACT_AS_SERVICE: 'true' },
    ])
      assert.deepEqual(read(env), { settings: undefined, notices: [] })
  })

  test('a mistyped one is still named', () => {
    assert.deepEqual(read({ CAMUNDA_SECURITY_CERT_AUTH_ENABLD: 'true' }), {
      settings: undefined,
      notices: [
        {
          level: 'warn',
          message:
            'CAMUNDA_SECURITY_CERT_AUTH_ENABLD is not a setting of the identity service; did you mean CAMUNDA_SECURITY_CERT_AUTH_ENABLED?',
        },
      ],
    })
  })

  test('one is enough, and everything else has a default', () => {
    assert.deepEqual(settingsOf({ SPRING_PROFILES_ACTIVE: 'oidc' }), defaults)
    assert.deepEqual(settingsOf({ SERVER_PORT: '0' }), { ...defaults, port: 0 })
    assert.deepEqual(settingsOf({ CAMUNDA_DATABASE_URL: 'http://localhost:9200' }), defaults)
  })
})
