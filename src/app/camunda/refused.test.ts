// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of Spring
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Env, read } from '../../../test/support/camunda-settings.ts'

describe('a setting is refused, with its name and what to write', () => {
  const security = 'CAMUNDA_SECURITY_'
  const oidc = `${security}AUTHENTICATION_OIDC_`
  const mtls = `${security}AUTHENTICATION_MTLS_`
  const at = `${security}INITIALIZATION_`
  const microsoft = { CAMUNDA_IDENTITY_TYPE: 'MICROSOFT', [`${oidc}GRANTTYPE`]: 'client_credentials' }
  const store = `${oidc}CLIENT_ASSERTION_KEYSTORE_`
  const refused: readonly [env: Env, message: string][] = [
    [
      { ...microsoft, [`${oidc}SCOPES`]: 'api://orders' },
      `Invalid scope: missing .default suffix. ${oidc}SCOPES is api://orders; write api://orders/.default, or the id of the resource and /.default`,
    ],
    [
      { ...microsoft, [`${oidc}SCOPES`]: 'x/.default,y/' },
      `Invalid scope: missing .default suffix. ${oidc}SCOPES is y/; write y/.default, or the id of the resource and /.default`,
    ],
    ...['/.default', '.default', 'x/.Default', 'x/.default/'].map((scope): [Env, string] => [
      { ...microsoft, [`${oidc}SCOPES`]: scope },
      `Invalid scope: missing .default suffix. ${oidc}SCOPES is ${scope}; write ${scope.replace(/\/$/, '')}/.default, or the id of the resource and /.default`,
    ]),
    ...['yes', '1', 'on'].map((value): [Env, string] => [
      { [`${security}CSRF_ENABLED`]: value },
      `${security}CSRF_ENABLED must be true or false, not ${value}`,
    ]),
    ...['http', '65536', '-1', '1e3', '0x50', 'tcp://10.0.0.1:80'].map((value): [Env, string] => [
      { SERVER_PORT: value },
      `SERVER_PORT must be a port number, not ${value}`,
    ]),
    ...[
      'http://id.example',
      'id.example',
      'ftp://x',
      'https://id.example/#x',
      'http://localhost.example',
    ].map((value): [Env, string] => [
      { CAMUNDA_IDENTITY_ISSUER: value },
      `CAMUNDA_IDENTITY_ISSUER must be an address that begins with https:// (http:// for this machine only), not ${value}`,
    ]),
    [
      { [`${oidc}TOKENURI`]: 'https://me:hush@id.example' },
      `${oidc}TOKENURI must be an address without user and password`,
    ],
    [
      { [`${security}AUTHENTICATION_METHOD`]: 'ldap' },
      `${security}AUTHENTICATION_METHOD must be one of basic, oidc, not ldap`,
    ],
    [
      { SERVER_SSL_CLIENT_AUTH: 'maybe' },
      'SERVER_SSL_CLIENT_AUTH must be one of none, want, need, not maybe',
    ],
    [
      { SERVER_SSL_ENABLED: 'true' },
      'SERVER_SSL_ENABLED needs the key of the server: set SERVER_SSL_KEY_STORE, or SERVER_SSL_CERTIFICATE and SERVER_SSL_CERTIFICATE_PRIVATE_KEY',
    ],
    [
      { SERVER_SSL_CLIENT_AUTH: 'need' },
      'SERVER_SSL_CLIENT_AUTH needs the key of the server: set SERVER_SSL_KEY_STORE, or SERVER_SSL_CERTIFICATE and SERVER_SSL_CERTIFICATE_PRIVATE_KEY',
    ],
    [
      { SERVER_SSL_KEY_STORE: '/k.p12', SERVER_SSL_CLIENT_AUTH: 'need' },
      'SERVER_SSL_CLIENT_AUTH is need, but nothing says whose certificates are accepted: set SERVER_SSL_TRUST_STORE',
    ],
    [
      { SERVER_SSL_BUNDLE: 'web' },
      'SERVER_SSL_BUNDLE: what a bundle holds is not read, name the files with SERVER_SSL_KEY_STORE or SERVER_SSL_CERTIFICATE',
    ],
    [
      { SERVER_SSL_CERTIFICATE: '/c.pem' },
      'SERVER_SSL_CERTIFICATE and SERVER_SSL_CERTIFICATE_PRIVATE_KEY go together: set both or none',
    ],
    [
      {
        SERVER_SSL_CERTIFICATE: '/c.pem',
        SERVER_SSL_CERTIFICATE_PRIVATE_KEY: '/k.pem',
        SERVER_SSL_KEY_STORE: '/k.p12',
      },
      'set SERVER_SSL_KEY_STORE or SERVER_SSL_CERTIFICATE, not both',
    ],
    [
      {
        SERVER_SSL_KEY_STORE: '/k.p12',
        SERVER_SSL_TRUST_STORE: '/t.p12',
        SERVER_SSL_TRUST_CERTIFICATE: '/t.pem',
      },
      'set SERVER_SSL_TRUST_STORE or SERVER_SSL_TRUST_CERTIFICATE, not both',
    ],
    [
      { SERVER_SSL_KEY_STORE: 'classpath:k.p12' },
      'SERVER_SSL_KEY_STORE must be the path of a file, there is no class path here: classpath:k.p12',
    ],
    [
      { SERVER_SSL_KEY_STORE: '/k.p12', SERVER_SSL_KEY_STORE_TYPE: 'BKS' },
      'SERVER_SSL_KEY_STORE_TYPE must be one of PKCS12, JKS, not BKS',
    ],
    [
      { [`${security}AUTHENTICATION_METHOD`]: 'OIDC', [`${security}CERT_AUTH_ENABLED`]: 'true' },
      `${security}CERT_AUTH_ENABLED needs a key: set ${store}PATH and _PASSWORD`,
    ],
    [
      { [`${store}PATH`]: '/k.p12' },
      `${store}PATH needs the password of the file: set ${store}PASSWORD, or ${store}PASSWORD_FILE to a file that holds it`,
    ],
    [{ [`${store}PASSWORD`]: 'hush' }, `${store}PASSWORD needs the file that it is about: set ${store}PATH`],
    [
      { ZEEBE_CLIENT_ASSERTION_KEYSTORE_KEY_ALIAS: 'zeebe' },
      'ZEEBE_CLIENT_ASSERTION_KEYSTORE_KEY_ALIAS needs the file that it is about: set ZEEBE_CLIENT_ASSERTION_KEYSTORE_PATH',
    ],
    [
      { [`${oidc}CLIENTAUTHENTICATIONMETHOD`]: 'private_key_jwt' },
      `${oidc}CLIENTAUTHENTICATIONMETHOD is private_key_jwt, which needs a key: set ${store}PATH and _PASSWORD`,
    ],
    [
      { [`${oidc}ASSERTION_KIDCASE`]: 'UPPER' },
      `${oidc}ASSERTION_KIDCASE: kidCase can only be set when kidEncoding is HEX; set ${oidc}ASSERTION_KID_ENCODING=HEX or leave it out`,
    ],
    [
      { [`${oidc}GRANTTYPE`]: 'password' },
      `${oidc}GRANTTYPE must be one of client_credentials, authorization_code, not password`,
    ],
    [{ [`${oidc}CLOCK_SKEW`]: 'PT1H' }, `${oidc}CLOCK_SKEW must be at most PT10M, not PT1H`],
    ...['P', 'PT', 'soon', '-1', '1w'].map((value): [Env, string] => [
      { [`${oidc}CLOCK_SKEW`]: value },
      `${oidc}CLOCK_SKEW must be a duration such as PT30M or 30m, not ${value}`,
    ]),
    [
      { [`${security}SESSION_MAXINACTIVEINTERVAL`]: '0' },
      `${security}SESSION_MAXINACTIVEINTERVAL must be longer than nothing, not 0`,
    ],
    [
      { LOGGING_LEVEL_ROOT: 'loud' },
      'LOGGING_LEVEL_ROOT must be one of TRACE, DEBUG, INFO, WARN, ERROR, FATAL, OFF, not loud',
    ],
    ...['CN=.*', '(a)(b)', 'CN=(', String.raw`(a)\1`].map((value): [Env, string] => [
      { [`${mtls}SUBJECTDNPATTERN`]: value },
      `${mtls}SUBJECTDNPATTERN must be a regular expression with one group, such as CN=(.*?)(?:,|$), without back references and looking around, not ${value}`,
    ]),
    [
      { [`${mtls}SUBJECTDNPATTERN`]: '(.*)', COUNTERSIGN_IDENTITY_MTLS_PRINCIPAL: 'cn' },
      `set ${mtls}SUBJECTDNPATTERN or COUNTERSIGN_IDENTITY_MTLS_PRINCIPAL, not both: each says what names the caller`,
    ],
    [
      { SERVER_PORT: '1', COUNTERSIGN_IDENTITY_MTLS_PRINCIPAL: 'serial' },
      'COUNTERSIGN_IDENTITY_MTLS_PRINCIPAL must be one of cn, dn, dns, email, uri, not serial',
    ],
    [
      {
        [`${security}AUTHENTICATION_METHOD`]: 'OIDC',
        [`${at}USERS_0_USERNAME`]: 'demo',
        [`${at}USERS_0_PASSWORD`]: 'hush',
      },
      `Creation of initial users is not supported with \`OIDC\` authentication method: leave out ${at}USERS_0_USERNAME, or set ${security}AUTHENTICATION_METHOD to BASIC`,
    ],
    [
      { [`${at}USERS_0_USERNAME`]: 'demo' },
      `${at}USERS_0_PASSWORD is missing: others of the same number are set`,
    ],
    [{ [`${at}USERS_1_PASSWORD`]: 'hush' }, `${at}USERS_1_PASSWORD is set, but nothing with 0: count from 0`],
    [
      { [`${oidc}SCOPES_0`]: 'a', [`${oidc}SCOPES_2`]: 'c' },
      `${oidc}SCOPES_2 is set, but no element 1 of the same list: count from 0`,
    ],
    [
      { CAMUNDA_IDENTITY_CLIENT_ID: '${MY_ID}' },
      'CAMUNDA_IDENTITY_CLIENT_ID refers to ${MY_ID} that is not set: set it, or write ${NAME:default}',
    ],
    [
      { CAMUNDA_IDENTITY_CLIENT_ID: '${A}', A: '${B}', B: '${A}' },
      'CAMUNDA_IDENTITY_CLIENT_ID refers to ${A} that is not set: set it, or write ${NAME:default}',
    ],
    [
      { CAMUNDA_IDENTITY_CLIENT_SECRET: 'x${hush}' },
      'CAMUNDA_IDENTITY_CLIENT_SECRET refers to a variable that is not set: set it, or write ${NAME:default}',
    ],
    [
      { CAMUNDA_IDENTITY_CLIENT_SECRET_FILE: '/run/none' },
      "CAMUNDA_IDENTITY_CLIENT_SECRET_FILE names a file that cannot be read: ENOENT: no such file or directory, open '/run/none'",
    ],
  ]
  for (const [env, message] of refused)
    test(message, () => {
      assert.throws(() => read(env), { name: 'ConfigError', message })
      assert.ok(!message.includes('hush'))
    })
})
