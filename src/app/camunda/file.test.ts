// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of Spring
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Env, readSecretFile } from '../../../test/support/camunda-settings.ts'
import { ConfigError } from '../config.ts'
import { readIdentitySettings } from './read.ts'

describe('a file', () => {
  const fromFile = (name: string, text: string, env: Env = {}) =>
    readIdentitySettings({ env, file: { name, text }, readSecretFile })

  const yaml = `
server.port: 8081
camunda:
  identity: { issuer: 'https://id.example', client-id: 0123 }
  security:
    authentication:
      method: oidc
      oidc:
        grantType: client_credentials
        scopes: [a, b]
        client-assertion.keystore: { path: /k.p12, password: 0123, key-alias: '\${ALIAS:identity}' }
      databse: x
    initialization:
      mapping-rules:
        - { mapping-rule-id: one, claim-name: oid, claim-value: 1e3 }
        - { mapping-rule-id: two, claim-name: oid, claim-value: ~x }
      default-roles: { My-Role: { users: [u, v] } }
  database: { type: elasticsearch }
`
  const properties = String.raw`
# a comment
! another
server.port = 8081
camunda.identity.issuer: https://id.example
camunda.identity.clientId 0123
camunda.security.authentication.method=oidc
camunda.security.authentication.oidc.grant-type=client_credentials
camunda.security.authentication.oidc.scopes=a,\
      b
camunda.security.authentication.oidc.client-assertion.keystore.path=/k.p12
camunda.security.authentication.oidc.client-assertion.keystore.password=0123
camunda.security.authentication.oidc.client-assertion.keystore.key-alias=\u0069dentity
camunda.security.authentication.databse=x
camunda.security.initialization.mapping-rules[0].mapping-rule-id=one
camunda.security.initialization.mapping-rules[0].claim-name=oid
camunda.security.initialization.mapping-rules[0].claim-value=1e3
camunda.security.initialization.mapping-rules[1].mapping-rule-id=two
camunda.security.initialization.mapping-rules[1].claim-name=oid
camunda.security.initialization.mapping-rules[1].claim-value=~x
camunda.security.initialization.default-roles.My-Role.users[0]=u
camunda.security.initialization.default-roles.My-Role.users[1]=v
camunda.database.type=elasticsearch
`

  test('says the same as YAML and as properties', () => {
    const { settings, notices } = fromFile('application.yaml', yaml)
    assert.deepEqual(fromFile('application.properties', properties).settings, settings)
    assert.equal(settings?.port, 8081)
    assert.deepEqual(settings.oidc.scopes, ['a', 'b'])
    assert.equal(settings.oidc.clientId, '0123')
    assert.deepEqual(settings.assertion?.keystore, {
      path: '/k.p12',
      password: '0123',
      type: 'PKCS12',
      alias: 'identity',
      keyPassword: undefined,
    })
    assert.deepEqual(
      settings.initialization.mappingRules.map(rule => [rule.mappingRuleId, rule.claimValue]),
      [
        ['one', '1e3'],
        ['two', '~x'],
      ],
    )
    assert.deepEqual(settings.initialization.defaultRoles, {
      'My-Role': { users: ['u', 'v'], clients: [], groups: [], mappingRules: [] },
    })
    assert.deepEqual(notices, [
      {
        level: 'warn',
        message:
          'camunda.security.authentication.databse in application.yaml is not a setting of the identity service',
      },
      {
        level: 'info',
        message:
          'camunda.database.type in application.yaml: read, of no effect here, because everything is kept in the store of Countersign (`COUNTERSIGN_DATABASE_URL`)',
      },
    ])
  })

  test('yields to the environment, of a list as a whole', () => {
    const { settings } = fromFile('application.yml', yaml, {
      SERVER_PORT: '9',
      ALIAS: 'other',
      CAMUNDA_SECURITY_AUTHENTICATION_OIDC_SCOPE: 'c',
      CAMUNDA_SECURITY_INITIALIZATION_MAPPINGRULES_0_CLAIMNAME: 'x',
      CAMUNDA_SECURITY_INITIALIZATION_MAPPINGRULES_0_CLAIMVALUE: 'y',
    })
    assert.equal(settings?.port, 9)
    assert.equal(settings.assertion?.keystore.alias, 'other')
    assert.deepEqual(settings.oidc.scopes, ['c'])
    assert.deepEqual(
      settings.initialization.mappingRules.map(rule => rule.claimName),
      ['x'],
    )
  })

  test('may have parts, some of them for a profile', () => {
    const parts = (line: string) =>
      [
        'server.port=1\ncamunda.identity.audience[0]=a\ncamunda.identity.audience[1]=b',
        'spring.config.activate.on-profile=oidc\nserver.port=2\ncamunda.identity.audience[0]=c',
        'spring.config.activate.on-profile=!oidc, dev\ncamunda.identity.client-id=dev',
      ].join(`\n${line}\n`)
    const text = parts('#---')
    const seen = (env: Env, name = 'a.properties', content = text) => {
      const settings = fromFile(name, content, env).settings!
      return [settings.port, settings.oidc.audiences, settings.oidc.clientId]
    }
    assert.deepEqual(seen({}), [1, ['a', 'b'], 'dev'])
    assert.deepEqual(seen({ SPRING_PROFILES_ACTIVE: 'x, oidc' }), [2, ['c'], undefined])
    const itself = text.replace('server.port=1', 'server.port=1\nspring.profiles.active=dev, oidc')
    assert.deepEqual(seen({}, 'a.properties', itself), [2, ['c'], 'dev'])
    assert.deepEqual(seen({ SPRING_PROFILES_ACTIVE: 'none' }, 'a.properties', itself), [1, ['a', 'b'], 'dev'])
    const asYaml = parts('---').replaceAll('=', ': ').replaceAll(': !oidc, dev', ": '!oidc, dev'")
    assert.deepEqual(seen({ SPRING_PROFILES_ACTIVE: 'oidc' }, 'a.yaml', asYaml), [2, ['c'], undefined])
  })

  test('may be empty, or about something else', () => {
    for (const text of ['', '# nothing\n', 'port: 8443\n', '---\n'])
      assert.deepEqual(fromFile('a.yaml', text), { settings: undefined, notices: [] })
  })

  test('that cannot be read is refused, without its text', () => {
    for (const [name, text, message] of [
      ['a.yaml', 'a: "hush\nb: [', /^a\.yaml is not YAML: line \d+ \([A-Z_]+\)$/],
      ['a.yaml', 'a: 1\na: hush', /^a\.yaml is not YAML: line 2 \(DUPLICATE_KEY\)$/],
      ['a.yaml', 'hush', /^a\.yaml must be a mapping/],
      ['a.yaml', '- hush', /^a\.yaml must be a mapping/],
      ['a.yaml', 'a: *hush', /^a\.yaml is not YAML/],
      ['a.json', '{}', /^a\.json must end in \.properties, \.yaml or \.yml/],
      ['a.yaml', 'spring.config.activate.on-profile: "(a | b)"', /on-profile in a\.yaml must be names/],
    ] as const)
      assert.throws(
        () => fromFile(name, text),
        (error: Error) =>
          error instanceof ConfigError && message.test(error.message) && !error.message.includes('hush'),
        text,
      )
  })
})
