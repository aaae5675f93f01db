import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { describedEnvironments } from '../../support/camunda-tables.ts'
import {
  compose,
  describedIds,
  describedPkcs12,
  type Entra,
  startEntra,
} from '../../support/identity-service.ts'
import { opensslIssue, opensslKey, opensslRoot } from '../../support/openssl-authority.ts'
import { runOpenssl } from '../../support/openssl-run.ts'
import { selfSigned } from '../../support/senders.ts'
import { type CallOptions, callUrl } from '../../support/server.ts'
import { newCertificate } from '../entra/world.ts'
import {
  eventually,
  freePort,
  launch,
  type ServerProcess,
  startRefused,
  startServer,
} from '../process/support.ts'

// The described ways to run the service, each as it stands: only the token server, and where the files are, are others.
let entra: Entra
before(async () => {
  entra = await startEntra()
  writeFileSync(join(entra.directory, 'zeebe.p12'), describedPkcs12(selfSigned('zeebe')), { mode: 0o600 })
})
after(() => entra.close())

/** A private authority reaches a process as Node.js has it. */
const trusting = (env: Record<string, string>) => ({
  ...env,
  NODE_EXTRA_CA_CERTS: join(entra.directory, 'ca.pem'),
})

async function running(
  env: Record<string, string>,
  use: (server: ServerProcess, port: number) => Promise<void>,
): Promise<void> {
  const server = await startServer({ env: trusting(env) })
  try {
    const ready = await server.logged(line => line.message === 'ready')
    await use(server, Number(ready.identityPort))
  } finally {
    await server.stop()
  }
}

/** Step 4.3 of the description. */
const stepFour = (port: number, options: CallOptions = {}) =>
  callUrl(`http://localhost:${port}/identity/api/authentication/me`, '', options)

const messagesOf = (server: ServerProcess, level?: string): string[] =>
  server
    .log()
    .filter(line => level === undefined || line.level === level)
    .map(line => line.message)

const serviceItself = {
  username: describedIds.service,
  displayName: describedIds.service,
  email: null,
  authorizedComponents: ['*'],
  tenants: [],
  groups: [],
  roles: [],
  salesPlanType: '',
  c8Links: {},
  canLogout: false,
}

describe('the described Compose block', () => {
  test('starts, says what it does, and answers step 4.3 as the service itself', async () => {
    await running(compose(entra, { LOGGING_LEVEL_ROOT: 'DEBUG' }), async (server, port) => {
      const path = join(entra.directory, 'identity.p12')
      const info = messagesOf(server, 'info')
      assert.ok(info.includes(`Loading certificate from keystore: ${path}`), server.output())
      assert.ok(info.includes('Certificate loaded successfully with alias: identity'))
      assert.ok(
        info.some(one => /^CAMUNDA_DATABASE_TYPE: read, of no effect here, because /.test(one)),
        'what has no effect is said',
      )
      const accepted = server.log().find(line => 'audiences' in line)
      assert.deepEqual(accepted?.audiences, [describedIds.service, describedIds.api])
      const warnings = messagesOf(server, 'warn')
      assert.ok(warnings.some(one => /^SECURITY: whoever calls from this computer without a cred/.test(one)))
      assert.ok(warnings.some(one => /^SECURITY: the identity API is open to everybody/.test(one)))
      assert.ok(warnings.some(one => /^SECURITY AUDIT: Assigning administrative role 'admin'/.test(one)))

      const answer = await stepFour(port)
      assert.equal(answer.status, 200, answer.text)
      assert.deepEqual(answer.json(), serviceItself)
      await server.logged(line => line.message === 'Successfully obtained access token')
      // The described checks of health.
      const at = (path: string) => callUrl(`http://localhost:${port}${path}`, '', {})
      assert.equal((await at('/actuator/health')).json().status, 'UP')
      assert.equal((await at('/v2/authentication/me')).status, 200)
      assert.equal((await at('/v2/applications')).status, 200)
      // No password and no token is written anywhere.
      assert.doesNotMatch(server.output(), /eyJ[\w-]+\.|"password"/)
    })
  })
})

describe('the described Helm list', () => {
  const values = (): Record<string, string> => ({
    ...describedEnvironments.helm({ 'keystore-password': 'password', 'key-password': 'password' }),
    // What the chart makes of global.identity.auth.*
    CAMUNDA_IDENTITY_TYPE: 'MICROSOFT',
    CAMUNDA_IDENTITY_ISSUER: entra.issuer,
    CAMUNDA_IDENTITY_ISSUER_BACKEND_URL: entra.issuer,
    CAMUNDA_SECURITY_AUTHENTICATION_OIDC_TOKEN_URI: `${entra.authority}/oauth2/v2.0/token`,
    CAMUNDA_SECURITY_AUTHENTICATION_OIDC_JWK_SET_URI: `${entra.authority}/discovery/v2.0/keys`,
    CAMUNDA_IDENTITY_CLIENT_ID: describedIds.service,
    CAMUNDA_IDENTITY_AUDIENCE: describedIds.service,
    CAMUNDA_SECURITY_AUTHENTICATION_OIDC_SCOPES: `${describedIds.service}/.default`,
  })

  test('protects its API: step 4.3 is told how to authenticate', async () => {
    await running(entra.placed(values()), async (server, port) => {
      await server.logged(line => line.message === 'Certificate loaded successfully with alias: identity')
      const answer = await stepFour(port)
      assert.equal(answer.status, 401)
      assert.match(String(answer.headers['www-authenticate']), /^Bearer /)
      const token = await entra.tokenFor(entra.service)
      const known = await stepFour(port, { headers: { Authorization: `Bearer ${token}` } })
      assert.deepEqual(known.json(), serviceItself)
    })
  })
})

describe('the described exports', () => {
  test('are the same as the Compose block, with a second identity', async () => {
    await running(entra.placed(describedEnvironments.manual()), async (server, port) => {
      const loaded = messagesOf(server).filter(one => one.startsWith('Certificate loaded successfully'))
      assert.deepEqual(loaded.sort(), [
        'Certificate loaded successfully with alias: identity',
        'Certificate loaded successfully with alias: zeebe',
      ])
      assert.deepEqual((await stepFour(port)).json(), serviceItself)
    })
  })
})

describe('the described mTLS block', () => {
  test('asks everybody for a certificate, and gives the roles that it says', async () => {
    const root = opensslRoot('Clients')
    const leaf = { basicConstraints: undefined, keyUsage: 'digitalSignature', extendedKeyUsage: 'clientAuth' }
    const client = opensslIssue(root, 'carol', { extensions: leaf })
    const serverKey = opensslKey()
    const ofServer = opensslIssue(root, 'localhost', {
      key: serverKey,
      extensions: { ...leaf, extendedKeyUsage: 'serverAuth', subjectAltName: 'DNS:localhost' },
    })
    const { directory } = entra
    const put = (name: string, args: string[], files: Record<string, string>) => {
      const made = runOpenssl(
        ['pkcs12', '-export', '-out', 'out', '-passout', 'pass:changeit', ...args],
        files,
      )
      assert.equal(made.status, 0, made.words)
      writeFileSync(join(directory, name), made.out, { mode: 0o600 })
    }
    put('server-keystore.p12', ['-inkey', 'k', '-in', 'c', '-name', 'tomcat'], {
      k: ofServer.key,
      c: ofServer.cert,
    })
    put('truststore.p12', ['-nokeys', '-in', 'c'], { c: root.cert })
    writeFileSync(join(directory, 'ca-cert.pem'), root.cert)

    await running(entra.placed(describedEnvironments.mtls()), async (server, port) => {
      const at = `https://localhost:${port}/identity/api/authentication/me`
      await assert.rejects(callUrl(at, root.cert, {}), /certificate required|ECONNRESET|EPIPE|socket/i)
      const answer = await callUrl(at, root.cert, { certificate: client })
      assert.equal(answer.status, 200, answer.text)
      assert.deepEqual(answer.json<{ roles: string[] }>().roles, ['user', 'admin'])
      assert.equal(answer.json().username, 'carol')
      await server.logged(
        line =>
          line.level === 'warn' &&
          line.message ===
            "SECURITY AUDIT: Assigning administrative role 'admin' to certificate user. Ensure this is intended and properly configured.",
      )
      // Whoever checks health has no certificate.
      for (const path of ['/actuator/health', '/actuator/health/readiness'])
        assert.equal((await callUrl(`${server.pki}${path}`, '', {})).json().status, 'UP')

      // As the description says it, with curl.
      writeFileSync(join(directory, 'carol.pem'), client.cert)
      writeFileSync(join(directory, 'carol.key'), client.key, { mode: 0o600 })
      writeFileSync(join(directory, 'root.pem'), root.cert)
      const said = execFileSync(
        'curl',
        ['-s', '--cacert', 'root.pem', '--cert', 'carol.pem', '--key', 'carol.key', at],
        { cwd: directory, encoding: 'utf8' },
      )
      assert.equal(JSON.parse(said).username, 'carol')
    })
  })
})

describe('LOGGING_LEVEL_ROOT=OFF', () => {
  test('leaves nothing but what says at each start who is let in without a credential', async () => {
    const pki = await freePort()
    const levels = {
      LOGGING_LEVEL_ROOT: 'OFF',
      LOGGING_LEVEL_IO_CAMUNDA_AUTHENTICATION: 'ERROR',
      LOGGING_LEVEL_ORG_SPRINGFRAMEWORK_SECURITY: 'OFF',
    }
    const { child, ended } = launch({
      env: trusting(compose(entra, { ...levels, COUNTERSIGN_PKI_PORT: String(pki) })),
    })
    await eventually(
      async () =>
        (await callUrl(`http://127.0.0.1:${pki}/readyz`, '', {}).catch(() => undefined))?.status === 200,
      20_000,
      'the service is ready',
    )
    child.kill('SIGTERM')
    const { stdout, status } = await ended
    assert.equal(status, 0)
    const lines = stdout.trim().split('\n')
    assert.equal(lines.length, 2, stdout)
    for (const line of lines) assert.match(JSON.parse(line).message, /^SECURITY: /)
  })
})

describe('what the description says of its troubles', () => {
  test('a keystore that is not there is named', async () => {
    const path = '/certs/nowhere.p12'
    const ended = await startRefused({
      env: trusting(
        compose(entra, { CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_ASSERTION_KEYSTORE_PATH: path }),
      ),
    })
    assert.notEqual(ended.status, 0)
    const errors = ended.stdout.split('\n').filter(line => line.includes('"error"'))
    assert.ok(errors.some(line => JSON.parse(line).message === `Certificate keystore not found: ${path}`))
    assert.match(ended.stderr, /Certificate keystore not found/)
  })

  test('a wrong password stops the start, and is not shown', async () => {
    const ended = await startRefused({
      env: trusting(
        compose(entra, {
          CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_ASSERTION_KEYSTORE_PASSWORD: 'not-this-one',
        }),
      ),
    })
    assert.notEqual(ended.status, 0)
    assert.match(ended.stderr, /identity\.p12/)
    assert.doesNotMatch(ended.stdout + ended.stderr, /not-this-one/)
  })

  test('a scope without its suffix is refused in the described words', async () => {
    const { stderr, stdout, status } = await startRefused({
      env: trusting(compose(entra, { CAMUNDA_SECURITY_AUTHENTICATION_OIDC_SCOPES: describedIds.api })),
    })
    assert.notEqual(status, 0)
    assert.match(stderr, /Invalid scope: missing \.default suffix/)
    const { time: _, ...line } = JSON.parse(stdout)
    assert.deepEqual(line, {
      level: 'error',
      variable: 'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_SCOPES',
      value: describedIds.api,
      message: 'Invalid scope: missing .default suffix',
    })
  })

  test('a certificate that the token server does not know gives the described line, with its own words', async () => {
    const path = join(entra.directory, 'unknown.p12')
    writeFileSync(path, describedPkcs12(newCertificate('unknown')), { mode: 0o600 })
    const env = compose(entra, { CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_ASSERTION_KEYSTORE_PATH: path })
    await running(env, async (server, port) => {
      const answer = await stepFour(port)
      assert.equal(answer.status, 503, answer.text)
      assert.doesNotMatch(answer.text, /AADSTS/)
      const line = await server.logged(
        one => one.message === 'Microsoft Entra returned: invalid_client_assertion',
      )
      assert.equal(line.error, 'invalid_client')
      assert.match(String(line.error_description), /^AADSTS700027/)
      assert.equal(typeof line.correlationId, 'string')
    })
  })
})

describe('several processes', () => {
  test('answer as one: a session that began in one of them counts in all', async () => {
    const env = {
      COUNTERSIGN_WORKERS: '2',
      CAMUNDA_SECURITY_AUTHENTICATION_METHOD: 'BASIC',
      CAMUNDA_SECURITY_INITIALIZATION_USERS_0_USERNAME: 'eve',
      CAMUNDA_SECURITY_INITIALIZATION_USERS_0_PASSWORD: 'a long enough password',
    }
    const port = await freePort()
    await running({ ...env, SERVER_PORT: String(port) }, async () => {
      const login = await callUrl(`http://localhost:${port}/login`, '', {
        method: 'POST',
        body: { username: 'eve', password: 'a long enough password' },
      })
      assert.equal(login.status, 204, login.text)
      const [cookie] = (login.headers['set-cookie'] as string[])[0]!.split(';')
      for (let i = 0; i < 8; i++) {
        const answer = await stepFour(port, { headers: { Cookie: cookie! } })
        assert.equal(answer.json().username, 'eve', answer.text)
      }
    })
  })
})
