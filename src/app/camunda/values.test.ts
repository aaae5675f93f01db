// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of Spring
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Env, messages, settingsOf } from '../../../test/support/camunda-settings.ts'
import { readIdentitySettings } from './read.ts'

describe('values', () => {
  test('may refer to other variables', () => {
    const env = {
      TENANT: 't1',
      HOST: 'https://id.example/${TENANT}',
      CAMUNDA_IDENTITY_ISSUER: '${HOST}/v2.0',
      CAMUNDA_IDENTITY_CLIENT_ID: '${NOBODY:${NEITHER:me}}',
      INITIAL_CLAIM_VALUE: 'a\\${b}',
      CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_SECRET: 'hu${sh',
      CAMUNDA_IDENTITY_AUDIENCE: '${NOBODY:}',
    }
    const { oidc, initialization } = settingsOf(env)
    assert.equal(oidc.issuer, 'https://id.example/t1/v2.0')
    assert.equal(oidc.clientId, 'me')
    assert.equal(oidc.clientSecret, 'hu${sh')
    assert.equal(initialization.mappingRules[0]?.claimValue, 'a${b}')
    assert.deepEqual(oidc.audiences, [])
  })

  test('of secrets may be in files, which may end in a newline', () => {
    const secrets: Env = { '/run/a': 'first\n', '/run/b': ' ${second} \r\n' }
    const { settings } = readIdentitySettings({
      env: {
        DIR: '/run',
        SERVER_SSL_KEY_STORE: 'file:/certs/server.p12',
        SERVER_SSL_KEY_STORE_PASSWORD_FILE: '${DIR}/a',
        ZEEBE_CLIENT_ASSERTION_KEYSTORE_PATH: '/z.p12',
        ZEEBE_CLIENT_ASSERTION_KEYSTORE_PASSWORDFILE: '/run/b',
      },
      readSecretFile: path => secrets[path]!,
    })
    assert.deepEqual(settings?.tls?.identity, {
      path: '/certs/server.p12',
      password: 'first',
      type: 'PKCS12',
      alias: undefined,
      keyPassword: undefined,
    })
    assert.equal(settings.zeebeAssertion?.keystore.password, ' ${second} ')
  })

  test('of TLS may be PEM instead of stores', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----'
    const { tls } = settingsOf({
      SERVER_SSL_CERTIFICATE: 'file:///certs/server.pem',
      SERVER_SSL_CERTIFICATE_PRIVATE_KEY: '/certs/server-key.pem',
      SERVER_SSL_TRUST_CERTIFICATE: pem,
      SERVER_SSL_CLIENT_AUTH: 'WANT',
    })
    assert.deepEqual(tls, {
      identity: {
        certificate: '/certs/server.pem',
        privateKey: '/certs/server-key.pem',
        keyPassword: undefined,
      },
      clientAuth: 'want',
      trust: { certificate: pem },
    })
    assert.equal(settingsOf({ SERVER_SSL_ENABLED: 'false', SERVER_SSL_KEY_STORE: '/k.p12' }).tls, undefined)
  })

  test('of mTLS name the trusted, the roles and what names the caller', () => {
    const mtls = 'CAMUNDA_SECURITY_AUTHENTICATION_MTLS_'
    const pem = '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----'
    const env = {
      [`${mtls}ENABLED`]: 'true',
      [`${mtls}TRUSTED_CERTIFICATES_0`]: '/a b/ca.pem',
      [`${mtls}TRUSTED_CERTIFICATES_1`]: pem,
      [`${mtls}DEFAULTROLES`]: 'role_user, connectors, USER',
      [`${mtls}REQUIRE_VALID_CHAIN`]: 'false',
      [`${mtls}CHECK_REVOCATION`]: 'true',
      [`${mtls}ALLOWSELFSIGNED`]: 'true',
      [`${mtls}SUBJECTDNPATTERN`]: 'CN=(.*?)(?:,|$)',
    }
    assert.deepEqual(settingsOf(env).mtls, {
      enabled: true,
      trustedCertificates: ['/a b/ca.pem', pem],
      defaultRoles: ['user', 'connectors'],
      requireValidChain: false,
      checkRevocation: true,
      allowSelfSigned: true,
      subjectDnPattern: 'CN=(.*?)(?:,|$)',
      principal: 'cn',
    })
    assert.match(messages(env, 'warn').join('\n'), /no certificate is asked for on port 8080/)
    assert.match(messages({ [`${mtls}ENABLED`]: 'true' }, 'warn').join('\n'), /no certificate is trusted/)
    const principal = { [`${mtls}ENABLED`]: 'true', COUNTERSIGN_IDENTITY_MTLS_PRINCIPAL: 'URI' }
    assert.equal(settingsOf(principal).mtls.principal, 'uri')
  })

  test('of durations are ISO 8601 or short, milliseconds without a unit', () => {
    for (const [text, milliseconds] of [
      ['PT30M', 1_800_000],
      ['P1DT1H', 90_000_000],
      ['pt1.5s', 1500],
      ['60S', 60_000],
      ['30m', 1_800_000],
      ['2h', 7_200_000],
      ['250', 250],
    ] as const)
      assert.equal(
        settingsOf({ CAMUNDA_SECURITY_SESSION_MAXINACTIVEINTERVAL: text }).sessionMaxInactiveMs,
        milliseconds,
      )
  })

  test('of log levels are those of Spring', () => {
    assert.deepEqual(
      settingsOf({
        LOGGING_LEVEL_ROOT: 'off',
        LOGGING_LEVEL_IO_CAMUNDA_AUTHENTICATION: 'DEBUG',
        LOGGING_LEVEL_ORG_SPRINGFRAMEWORK_SECURITY: 'Trace',
      }).logLevels,
      { root: 'off', authentication: 'debug', security: 'debug' },
    )
  })

  test('of the scope follow from the client id where Microsoft wants one and none is given', () => {
    const env = {
      CAMUNDA_IDENTITY_TYPE: 'microsoft',
      CAMUNDA_IDENTITY_CLIENT_ID: 'me',
      CAMUNDA_SECURITY_AUTHENTICATION_OIDC_GRANT_TYPE: 'CLIENT_CREDENTIALS',
    }
    assert.deepEqual(settingsOf(env).oidc.scopes, ['me/.default'])
    assert.deepEqual(settingsOf({ ...env, CAMUNDA_IDENTITY_TYPE: 'GENERIC' }).oidc.scopes, [])
  })

  test('that admit the network to the service are read', () => {
    const env = { SERVER_PORT: '0', COUNTERSIGN_IDENTITY_LET_NETWORK_ACT_AS_SERVICE: 'true' }
    assert.equal(settingsOf(env).allowNetwork, true)
  })
})
