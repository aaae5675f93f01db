import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import { promisify } from 'node:util'
import { addMember, createEntity } from '../../../src/core/identity/index.ts'
import { addTrust } from '../../../src/core/trust/index.ts'
import { parseCertificate } from '../../../src/crypto/certificate.ts'
import { time } from '../../../src/crypto/der.ts'
import { certificateExtensions as kinds } from '../../../src/crypto/extensions/index.ts'
import { buildName } from '../../../src/crypto/names.ts'
import { OID } from '../../../src/crypto/oids.ts'
import { me, type RunningIdentity, runIdentity, serverTls } from '../../support/identity-service.ts'
import { runOpenssl } from '../../support/openssl-run.ts'
import { pkcs12Fixture } from '../../support/pkcs12.ts'
import { startReceiver } from '../../support/receiver.ts'
import { entry, hour, listOf } from '../../support/revocation-lists.ts'
import { newRoot, type Sender, selfSigned, sending } from '../../support/senders.ts'
import { type Answer, callUrl, orThrow } from '../../support/server.ts'
import { opensslResponder, startPublisher } from '../pki/foreign-world.ts'
import { eventually } from '../process/support.ts'

const clients = newRoot('Clients')
const carol = clients.issue({ cn: 'carol' })
const others = newRoot('Others')
const tls = serverTls()
const day = 86_400_000

let directory: string
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'countersign-mtls-'))
})
after(() => rmSync(directory, { recursive: true, force: true }))

const mtls = (clientAuth: string, more: Readonly<Record<string, string>> = {}) => ({
  ...tls.env,
  SERVER_PORT: '0',
  SERVER_SSL_CLIENT_AUTH: clientAuth,
  CAMUNDA_SECURITY_AUTHENTICATION_METHOD: 'BASIC',
  CAMUNDA_SECURITY_AUTHENTICATION_MTLS_ENABLED: 'true',
  CAMUNDA_SECURITY_AUTHENTICATION_MTLS_TRUSTEDCERTIFICATES: clients.pem,
  ...more,
})

const asks = (identity: RunningIdentity, sender?: Pick<Sender, 'credential'>, path = me): Promise<Answer> =>
  callUrl(`${identity.url}${path}`, tls.ca, sender ? { certificate: sender.credential } : {})

async function withService(
  env: Readonly<Record<string, string>>,
  use: (identity: RunningIdentity) => Promise<void>,
): Promise<void> {
  const identity = await runIdentity(env)
  try {
    await use(identity)
  } finally {
    await identity.close()
  }
}

async function assertRefused(identity: RunningIdentity, sender: Sender, why: RegExp): Promise<void> {
  const answer = await asks(identity, sender)
  assert.equal(answer.status, 401, answer.text)
  const operator = await identity.server.adminToken('MonitoringDataRead')
  const record = await identity.server.call(`/admin/v1/decisions/${answer.headers['x-correlation-id']}`, {
    headers: { Authorization: `Bearer ${operator}` },
  })
  assert.match(record.text, why)
}

describe('a client certificate that is not asked for', () => {
  test('is not looked at: the caller shows nothing', async () => {
    await withService(mtls('none'), async identity => {
      assert.equal((await asks(identity, carol)).status, 401)
    })
  })
})

describe('a client certificate that may be missing', () => {
  let identity: RunningIdentity
  before(async () => {
    identity = await runIdentity(mtls('want'))
  })
  after(() => identity.close())

  test('names the caller, who has no role that nobody gave', async () => {
    const answer = await asks(identity, carol)
    assert.equal(answer.status, 200, answer.text)
    const { username, roles } = answer.json()
    assert.deepEqual({ username, roles }, { username: 'carol', roles: [] })
    assert.deepEqual(
      identity.server.log.filter(({ message }) => message.startsWith('SECURITY AUDIT')),
      [],
    )
  })

  test('may be missing: then others show who they are in another way', async () => {
    assert.equal((await asks(identity)).status, 401)
    assert.equal((await asks(identity, undefined, '/v2/status')).status, 204)
  })

  test('may come with its intermediates', async () => {
    const below = clients.intermediate('Middle').issue({ cn: 'dave' })
    assert.equal((await asks(identity, below)).json().username, 'dave')
    await assertRefused(identity, sending(below), /Certificate validation failed/)
  })

  const bad: Readonly<Record<string, () => Sender>> = {
    'has expired': () =>
      clients.issue({ cn: 'late', notBefore: Date.now() - 2 * day, notAfter: Date.now() - day }),
    'is not good yet': () =>
      clients.issue({ cn: 'early', notBefore: Date.now() + day, notAfter: Date.now() + 2 * day }),
    'is for servers': () =>
      clients.issue({ cn: 'server', extensions: { eku: kinds.extendedKeyUsage.build([OID.serverAuth]) } }),
    'is of an unknown authority': () => others.issue({ cn: 'carol' }),
    'is of an authority that only bears the same name': () => newRoot('Clients').issue({ cn: 'carol' }),
    'nobody vouches for': () => selfSigned('carol'),
    'has a signature that is spoilt': () => clients.issue({ cn: 'carol', spoilt: true }),
  }
  for (const [which, make] of Object.entries(bad))
    test(`is refused where it ${which}`, async () => {
      await assertRefused(identity, make(), /Certificate validation failed/)
    })

  test('is refused where it has two common names', async () => {
    const subject = buildName([
      { type: 'CN', value: 'carol' },
      { type: 'CN', value: 'admin' },
    ])
    await assertRefused(identity, clients.issue({ subject }), /not exactly one CN/)
  })

  test('is refused where its name is no user name', async () => {
    for (const cn of ['carol\nadmin', 'carol/../admin', 'a b'])
      await assertRefused(identity, clients.issue({ cn }), /Certificate validation failed/)
  })

  test('gets no session', async () => {
    const answer = await callUrl(`${identity.url}/login`, tls.ca, {
      method: 'POST',
      certificate: carol.credential,
    })
    assert.equal(answer.status, 401)
    assert.equal(answer.headers['set-cookie'], undefined)
  })

  test('beside a password decides nothing: exactly one credential identifies the caller', async () => {
    const answer = await callUrl(`${identity.url}${me}`, tls.ca, {
      headers: { Authorization: `Basic ${Buffer.from('eve:wrong').toString('base64')}` },
      certificate: carol.credential,
    })
    assert.equal(answer.status, 401)
  })

  test('in a header is none', async () => {
    for (const name of ['X-SSL-Client-Cert', 'X-Forwarded-Client-Cert', 'Client-Cert'])
      assert.equal(
        (
          await callUrl(`${identity.url}${me}`, tls.ca, {
            headers: { [name]: encodeURIComponent(carol.pem) },
          })
        ).status,
        401,
      )
  })

  test('brings roles by mapping rules on what it says', async () => {
    const { services } = identity.server.server
    const rules: Record<string, [string, string]> = {
      subject: ['certificate.subject', 'CN=spiffe,O=Example'],
      uri: ['$.certificate.san.uri', 'spiffe://example.org/orders'],
      issuer: ['certificate.issuer', 'CN=Clients,O=Foreign'],
    }
    for (const [id, [claimName, claimValue]] of Object.entries(rules)) {
      const rule = { mappingRuleId: id, name: id, claimName, claimValue }
      orThrow(await createEntity(identity.server.tenant, 'mapping-rule', rule, services))
      orThrow(await createEntity(identity.server.tenant, 'role', { roleId: `by-${id}`, name: id }, services))
      orThrow(
        await addMember(
          identity.server.tenant,
          { container: 'role', containerId: `by-${id}`, member: 'mapping-rule', memberId: id },
          services,
        ),
      )
    }
    const spiffe = clients.issue({ cn: 'spiffe' }, [{ kind: 'uri', value: 'spiffe://example.org/orders' }])
    const roles = async (sender: Sender) => (await asks(identity, sender)).json<{ roles: string[] }>().roles
    assert.deepEqual((await roles(spiffe)).sort(), ['by-issuer', 'by-subject', 'by-uri'])
    assert.deepEqual(await roles(carol), ['by-issuer'])
  })
})

describe('a client certificate that must be there', () => {
  test('ends the handshake where it is missing or of others, and names the caller where it is good', async () => {
    await withService(mtls('need'), async identity => {
      await assert.rejects(asks(identity))
      await assert.rejects(asks(identity, others.issue({ cn: 'carol' })))
      await assert.rejects(asks(identity, selfSigned('carol')))
      await assert.rejects(asks(identity, newRoot('Clients').issue({ cn: 'carol' })))
      assert.equal((await asks(identity, carol)).json().username, 'carol')
      const below = clients.intermediate('Middle').issue({ cn: 'dave' })
      assert.equal((await asks(identity, below)).json().username, 'dave')
      await assert.rejects(asks(identity, sending(below)))
      // What only asks whether the service lives has no certificate.
      const health = await callUrl(`${identity.server.pkiUrl}/actuator/health`, '', {})
      assert.equal(health.status, 200)
    })
  })
})

for (const [clientAuth, what] of [
  ['want', 'is done'],
  ['need', 'is not done'],
] as const)
  test(`what is sent with the end of a handshake without a trusted certificate ${what} where it is ${clientAuth}ed`, async () => {
    const password = 'a long enough password'
    const env = mtls(clientAuth, {
      CAMUNDA_SECURITY_INITIALIZATION_USERS_0_USERNAME: 'root',
      CAMUNDA_SECURITY_INITIALIZATION_USERS_0_PASSWORD: password,
      CAMUNDA_SECURITY_INITIALIZATION_USERS_0_NAME: 'Root',
      CAMUNDA_SECURITY_INITIALIZATION_DEFAULTROLES_ADMIN_USERS: 'root',
    })
    const request = (groupId: string) => {
      const body = JSON.stringify({ groupId, name: groupId })
      return [
        'POST /v2/groups HTTP/1.1',
        'Host: localhost',
        `Authorization: Basic ${Buffer.from(`root:${password}`).toString('base64')}`,
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
        '',
        body,
      ].join('\r\n')
    }
    await withService(env, async identity => {
      const { server, tenant } = identity.server
      const send = (groupId: string, more: ConnectionOptions): Promise<void> =>
        new Promise(resolve => {
          const { port } = new URL(identity.url)
          const socket = connect({ port: Number(port), servername: 'localhost', ca: tls.ca, ...more })
          // Waits in the socket, and goes out with the last message of the handshake.
          socket.write(request(groupId))
          socket.on('data', () => socket.end())
          socket.on('error', () => {})
          socket.on('close', () => resolve())
        })
      const { cert, key } = others.issue({ cn: 'carol' }).credential
      const sent: string[] = []
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        sent.push(`none-${maxVersion}`, `others-${maxVersion}`)
        await send(`none-${maxVersion}`, { maxVersion })
        await send(`others-${maxVersion}`, { maxVersion, cert, key })
      }
      const model = await server.services.identity!.models.of(tenant.id)
      const groups = [...model.all('group')].map(({ id }) => id)
      assert.deepEqual(groups, clientAuth === 'want' ? sent : [])
    })
  })

describe('who a certificate names', () => {
  const names = [
    { kind: 'dns', value: 'orders.example' } as const,
    { kind: 'email', value: 'orders@example.org' } as const,
    { kind: 'uri', value: 'spiffe://example.org/orders' } as const,
  ]
  const sender = clients.issue({ cn: 'orders' }, names)
  const places: Readonly<Record<string, string>> = {
    cn: 'orders',
    dn: 'CN=orders,O=Example',
    dns: 'orders.example',
    email: 'orders@example.org',
    uri: 'spiffe://example.org/orders',
  }
  for (const [place, name] of Object.entries(places))
    test(`stands in its ${place}, where that is configured`, async () => {
      await withService(mtls('want', { COUNTERSIGN_IDENTITY_MTLS_PRINCIPAL: place }), async identity => {
        assert.equal((await asks(identity, sender)).json().username, name)
        if (place !== 'cn' && place !== 'dn') assert.equal((await asks(identity, carol)).status, 401)
      })
    })

  test('is cut out by the pattern', async () => {
    const env = mtls('want', {
      CAMUNDA_SECURITY_AUTHENTICATION_MTLS_SUBJECT_DN_PATTERN: 'CN=(.*?)(?:,|$)',
    })
    await withService(env, async identity => {
      assert.equal((await asks(identity, sender)).json().username, 'orders')
    })
  })
})

describe('self-signed certificates', () => {
  const own = selfSigned('pinned')
  const env = (pins: string, allowed: string) =>
    mtls('want', {
      CAMUNDA_SECURITY_AUTHENTICATION_MTLS_TRUSTEDCERTIFICATES: pins,
      CAMUNDA_SECURITY_AUTHENTICATION_MTLS_ALLOW_SELF_SIGNED: allowed,
    })

  test('are accepted where they are allowed and themselves among the trusted ones', async () => {
    await withService(env(own.pem, 'true'), async identity => {
      assert.equal((await asks(identity, own)).json().username, 'pinned')
      await assertRefused(identity, selfSigned('pinned'), /Certificate validation failed/)
      identity.server.advance(91 * day)
      await assertRefused(identity, own, /good from .* only/)
    })
  })

  test('are refused where only one of the two holds', async () => {
    await withService(env(own.pem, 'false'), identity =>
      assertRefused(identity, own, /Certificate validation/),
    )
    await withService(env(clients.pem, 'true'), identity =>
      assertRefused(identity, own, /Certificate validation/),
    )
  })
})

describe('trust stores without a key', () => {
  test('made by `openssl pkcs12 -nokeys` are read', async () => {
    const { out, words, status } = runOpenssl(
      ['pkcs12', '-export', '-nokeys', '-in', 'ca.pem', '-out', 'out', '-passout', 'pass:changeit'],
      { 'ca.pem': clients.pem },
    )
    assert.equal(status, 0, words)
    const path = join(directory, 'openssl.p12')
    writeFileSync(path, out)
    await withService(byStore(path), async identity => {
      assert.equal((await asks(identity, carol)).json().username, 'carol')
      await assert.rejects(asks(identity, others.issue({ cn: 'carol' })))
    })
  })

  test('made by keytool are read', async () => {
    const path = join(directory, 'keytool.p12')
    writeFileSync(path, pkcs12Fixture('trust.p12'))
    await withService(byStore(path), async identity => {
      await assert.rejects(asks(identity, carol))
    })
  })

  function byStore(path: string) {
    const { CAMUNDA_SECURITY_AUTHENTICATION_MTLS_TRUSTEDCERTIFICATES: _, ...env } = mtls('need', {
      SERVER_SSL_TRUST_STORE: path,
      SERVER_SSL_TRUST_STORE_PASSWORD: 'changeit',
    })
    return env
  }
})

describe('default roles', () => {
  test('are given to everybody with a certificate, where they exist, and those of administrators are logged', async () => {
    const env = mtls('want', {
      CAMUNDA_SECURITY_AUTHENTICATION_MTLS_DEFAULT_ROLES: 'ROLE_USER,ROLE_ADMIN,nonsense',
    })
    await withService(env, async identity => {
      const { roles } = (await asks(identity, carol)).json<{ roles: string[] }>()
      assert.deepEqual(roles, ['user', 'admin'])
      await asks(identity, carol)
      const audit = identity.server.log.filter(({ message }) => message.startsWith('SECURITY AUDIT'))
      assert.deepEqual(
        audit.map(({ level, fields }) => [level, fields.username]),
        [['warn', 'carol']],
      )
    })
  })
})

describe('a revoked certificate', () => {
  test('is refused, with the list that the operator named for its authority', async t => {
    const receiver = await startReceiver()
    t.after(() => receiver.close())
    const revoked = clients.issue({ cn: 'revoked' })
    const list = listOf({
      issuer: clients.subject,
      key: clients.pair,
      thisUpdate: time(Date.now() - hour),
      nextUpdate: [time(Date.now() + hour)],
      entries: [entry(parseCertificate(revoked.der).serial)],
    })
    receiver.answer((_request, response) => response.end(list))
    await withService(mtls('want'), async identity => {
      const { tenant, server } = identity.server
      orThrow(
        await addTrust(
          tenant,
          { certificates: clients.pem, crlUrl: `${receiver.origin}/list.crl` },
          server.services,
        ),
      )
      await assertRefused(identity, revoked, /revoked/)
      assert.equal((await asks(identity, carol)).json().username, 'carol')
    })
  })

  test('is refused where the responder of its authority (openssl ocsp) says so, and a good one is not', async t => {
    const publisher = await startPublisher()
    t.after(() => publisher.close())
    const revoked = clients.issue({ cn: 'taken-back' })
    const responder = opensslResponder(() => [{ ca: clients, good: [carol], revoked: [revoked] }])
    await withService(
      mtls('want', { CAMUNDA_SECURITY_AUTHENTICATION_MTLS_CHECKREVOCATION: 'true' }),
      async identity => {
        const { tenant, server } = identity.server
        const ocspUrl = publisher.place(responder)
        orThrow(await addTrust(tenant, { certificates: clients.pem, ocspUrl }, server.services))
        await assertRefused(identity, revoked, /revoked/)
        assert.equal((await asks(identity, carol)).json().username, 'carol')
        assert.equal(publisher.asked(ocspUrl), 2)
        // Of others it knows nothing.
        await assertRefused(identity, clients.issue({ cn: 'unheard-of' }), /Certificate validation failed/)
      },
    )
  })

  test('cannot be told from a good one where no list is known; with CHECKREVOCATION both are refused', async () => {
    await withService(
      mtls('want', { CAMUNDA_SECURITY_AUTHENTICATION_MTLS_CHECKREVOCATION: 'true' }),
      identity => assertRefused(identity, carol, /Certificate validation failed/),
    )
  })
})

describe('the certificate of the service', () => {
  test('is shown anew when its file changes, and clients are still asked for theirs', async () => {
    const [first, second] = [serverTls(), serverTls()]
    const [cert, key] = [join(directory, 'server.pem'), join(directory, 'server.key')]
    const put = ({ env }: typeof first) => {
      writeFileSync(key, env.SERVER_SSL_CERTIFICATE_PRIVATE_KEY!)
      writeFileSync(cert, env.SERVER_SSL_CERTIFICATE!)
    }
    put(first)
    const env = mtls('need', { SERVER_SSL_CERTIFICATE: cert, SERVER_SSL_CERTIFICATE_PRIVATE_KEY: key })
    await withService(env, async identity => {
      const shown = (ca: string) =>
        callUrl(`${identity.url}${me}`, ca, { certificate: carol.credential }).then(
          answer => answer.status,
          () => undefined,
        )
      assert.equal(await shown(first.ca), 200)
      put(second)
      await eventually(async () => (await shown(second.ca)) === 200, 5000, 'the new certificate is shown')
      await assert.rejects(callUrl(`${identity.url}${me}`, second.ca, {}))
      // What cannot be read changes nothing.
      writeFileSync(cert, 'no certificate')
      await eventually(
        async () => identity.server.log.some(({ message }) => /the old one stays/.test(message)),
        5000,
        'the broken file is told of',
      )
      assert.equal(await shown(second.ca), 200)
    })
  })
})

describe('curl', () => {
  test('is known by the certificate it shows', async () => {
    const put = (name: string, text: string) => writeFileSync(join(directory, name), text, { mode: 0o600 })
    put('curl.pem', carol.credential.cert)
    put('curl.key', carol.credential.key)
    put('curl-ca.pem', tls.ca)
    await withService(mtls('want'), async identity => {
      const { stdout } = await promisify(execFile)(
        'curl',
        [
          ...['-s', '--cacert', 'curl-ca.pem', '--cert', 'curl.pem', '--key', 'curl.key'],
          `${identity.url}/identity/api/authentication/me`,
        ],
        { cwd: directory },
      )
      assert.equal(JSON.parse(stdout).username, 'carol')
    })
  })
})
