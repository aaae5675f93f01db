import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defaults, messages, read, settingsOf } from '../../../test/support/camunda-settings.ts'
import { ConfigError, readConfig } from '../config.ts'

describe('names', () => {
  test('that nobody knows are named, with what may be meant', () => {
    const env = {
      SERVER_PORT: '0',
      CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_ASSERTION_KEYSTORE_PASWORD: 'hush-hush',
      CAMUNDA_SECURITY_INITIALIZATION_USERS_1_USRNAME: 'x',
      CAMUNDA_XYZZY: 'x',
      ZEEBE_CLIENT_ASSERTION_KEYSTORE_ALIAS: 'x',
      INITIAL_CLAIM_VALUES: 'x',
      COUNTERSIGN_IDENTITY_LET_NETWORK_ACT: 'true',
    }
    assert.deepEqual(messages(env, 'warn'), [
      'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_ASSERTION_KEYSTORE_PASWORD is not a setting of the identity service; did you mean CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_ASSERTION_KEYSTORE_PASSWORD?',
      'CAMUNDA_SECURITY_INITIALIZATION_USERS_1_USRNAME is not a setting of the identity service; did you mean CAMUNDA_SECURITY_INITIALIZATION_USERS_1_USERNAME?',
      'CAMUNDA_XYZZY is not a setting of the identity service',
      'ZEEBE_CLIENT_ASSERTION_KEYSTORE_ALIAS is not a setting of the identity service; did you mean ZEEBE_CLIENT_ASSERTION_KEYSTORE_KEY_ALIAS?',
      'INITIAL_CLAIM_VALUES is not a setting of the identity service; did you mean INITIAL_CLAIM_VALUE?',
      'COUNTERSIGN_IDENTITY_LET_NETWORK_ACT is not a setting of the identity service; did you mean COUNTERSIGN_IDENTITY_LET_NETWORK_ACT_AS_SERVICE?',
    ])
    assert.deepEqual(readConfig({ env, cwd: '/', processors: 1 }).warnings, [])
  })

  test('that other programs may use too are an information', () => {
    const env = { SERVER_PORT: '1', SERVER_SSL_KEYSTORE_PASWORD: 'x', LOGGING_LEVEL_COM_EXAMPLE: 'DEBUG' }
    assert.deepEqual(messages(env, 'warn'), [])
    assert.equal(
      messages(env, 'info')[0],
      'SERVER_SSL_KEYSTORE_PASWORD is not a setting of the identity service; did you mean SERVER_SSL_KEY_STORE_PASSWORD?',
    )
    assert.match(messages(env, 'info')[1]!, /^LOGGING_LEVEL_COM_EXAMPLE is not a setting/)
  })

  test('that Kubernetes makes of services are left alone', () => {
    const env = {
      SERVER_PORT: '1',
      CAMUNDA_IDENTITY_SERVICE_HOST: '10.0.0.1',
      CAMUNDA_IDENTITY_SERVICE_PORT_HTTP: '80',
      ZEEBE_PORT: 'tcp://10.0.0.1:26500',
      ZEEBE_PORT_26500_TCP_ADDR: '10.0.0.1',
      SERVERLESS_REGION: 'x',
    }
    assert.deepEqual(read(env).notices, [])
  })

  test('are spelled as Spring allows', () => {
    for (const [name, value] of [
      ['CAMUNDA_SECURITY_AUTHENTICATION_OIDC_JWKSETURI', 'https://id.example/keys'],
      ['camunda_security_authentication_oidc_jwk_set_uri', 'https://id.example/keys'],
      ['camunda.security.authentication.oidc.jwk-set-uri', 'https://id.example/keys'],
      ['Camunda.Security.Authentication.Oidc.JwkSetUri', 'https://id.example/keys'],
    ])
      assert.equal(settingsOf({ [name!]: value! }).oidc.jwkSetUri, value, name)
    assert.ok(settingsOf({ CAMUNDA_SECURITY_AUTHENTICATION_UNPROTECTED_API: 'TRUE' }).unprotectedApi)
    assert.ok(settingsOf({ CAMUNDA_SECURITY_CERTAUTH_ENABLED: 'true' }).certAuthEnabled)
  })

  test('that shipped mean the same as the described ones', () => {
    const oidc = 'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_'
    const settings = settingsOf({
      [`${oidc}ISSUERURI`]: 'https://id.example',
      [`${oidc}CLIENTID`]: 'me',
      [`${oidc}CLIENTSECRET`]: 'hush',
      [`${oidc}AUDIENCES`]: 'a, b',
      [`${oidc}SCOPE`]: 'openid,profile mail',
      [`${oidc}ASSERTION_KEYSTORE_PATH`]: '/k.p12',
      [`${oidc}ASSERTION_KEYSTORE_PASSWORD`]: ' pw ',
      [`${oidc}ASSERTION_KEYSTORE_KEYALIAS`]: 'one',
      [`${oidc}ASSERTION_KEYSTORE_KEYPASSWORD`]: 'kpw',
      CAMUNDA_SECURITY_SESSION_PERSISTENT_ENABLED: 'true',
      CAMUNDA_SECURITY_AUTHENTICATION_ENTRA_ENABLED: 'true',
    })
    assert.deepEqual(settings.oidc, {
      ...defaults.oidc,
      issuer: 'https://id.example',
      clientId: 'me',
      clientSecret: 'hush',
      audiences: ['a', 'b'],
      scopes: ['openid', 'profile', 'mail'],
      clientAuthenticationMethod: 'private_key_jwt',
    })
    assert.deepEqual(settings.assertion, {
      keystore: { path: '/k.p12', password: ' pw ', type: 'PKCS12', alias: 'one', keyPassword: 'kpw' },
      kid: { source: 'PUBLIC_KEY', digest: 'SHA256', encoding: 'BASE64URL', case: undefined },
    })
    assert.deepEqual([settings.persistentSessions, settings.certAuthEnabled], [true, true])
  })

  test('of the form of kid win over what follows from those of the keystore', () => {
    const oidc = 'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_'
    const { assertion } = settingsOf({
      [`${oidc}CLIENT_ASSERTION_KEYSTORE_PATH`]: '/k.p12',
      [`${oidc}CLIENT_ASSERTION_KEYSTORE_PASSWORD`]: 'pw',
      [`${oidc}ASSERTION_KIDSOURCE`]: 'certificate',
      [`${oidc}ASSERTION_KIDENCODING`]: 'hex',
      [`${oidc}ASSERTION_KIDCASE`]: 'upper',
    })
    assert.deepEqual(assertion?.kid, {
      source: 'CERTIFICATE',
      digest: 'SHA256',
      encoding: 'HEX',
      case: 'UPPER',
    })
  })

  test('that mean the same may say the same', () => {
    const settings = settingsOf({
      CAMUNDA_IDENTITY_AUDIENCE: 'a,b',
      CAMUNDA_SECURITY_AUTHENTICATION_OIDC_AUDIENCES_0: 'a',
      CAMUNDA_SECURITY_AUTHENTICATION_OIDC_AUDIENCES_1: 'b',
      CAMUNDA_SECURITY_CSRF_ENABLED: 'false',
      'camunda.security.csrf.enabled': 'FALSE',
    })
    assert.deepEqual(settings.oidc.audiences, ['a', 'b'])
    assert.equal(settings.csrfEnabled, false)
  })

  test('of one setting that contradict each other are refused, both named and neither secret shown', () => {
    const oidc = 'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_'
    for (const [one, other, values] of [
      ['CAMUNDA_IDENTITY_CLIENT_ID', `${oidc}CLIENTID`, ['a', 'b']],
      [`${oidc}CLIENT_SECRET`, `${oidc}CLIENTSECRET`, ['hush-1', 'hush-2']],
      [
        `${oidc}CLIENT_ASSERTION_KEYSTORE_PASSWORD`,
        `${oidc}ASSERTION_KEYSTORE_PASSWORD`,
        ['hush-1', 'hush-2'],
      ],
      [`${oidc}SCOPES`, `${oidc}SCOPE`, ['a', 'a,b']],
      [`${oidc}SCOPES`, `${oidc}scopes`, ['a', 'b']],
      [`${oidc}SCOPES_0`, `${oidc}Scopes_0`, ['a', 'b']],
      [`${oidc}SCOPES`, `${oidc}SCOPES_0`, ['a,b', 'a']],
      [
        'CAMUNDA_SECURITY_CERT_AUTH_ENABLED',
        'CAMUNDA_SECURITY_AUTHENTICATION_ENTRA_ENABLED',
        ['true', 'false'],
      ],
      ['SERVER_PORT', 'server.port', ['1', '2']],
    ] as const)
      assert.throws(
        () => read({ [one]: values[0], [other]: values[1] }),
        new ConfigError(`${one} and ${other} contradict each other: they mean the same, leave one out`),
      )
  })
})
