import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { readConfig } from '../../../src/app/config.ts'
import { startMaintenance } from '../../../src/app/maintenance.ts'
import { certificateFromPkcs12 } from '../../../src/client/index.ts'
import { removeCertificate } from '../../../src/core/applications/index.ts'
import { importEntry } from '../../../src/core/keystore/index.ts'
import {
  compose,
  describedIds,
  describedPkcs12,
  type Entra,
  me,
  type RunningIdentity,
  runIdentity,
  startEntra,
} from '../../support/identity-service.ts'
import { pkcs12Fixture } from '../../support/pkcs12.ts'
import { leafPem, type Sender, selfSigned } from '../../support/senders.ts'
import { orThrow } from '../../support/server.ts'
import { tokenServer } from '../../support/token-server.ts'
import { holdCertificate, newCertificate } from '../entra/world.ts'
import { partsOf } from '../token-server/world.ts'

// What the description calls limitations, and is none here.
let entra: Entra
before(async () => {
  entra = await startEntra()
})
after(() => entra.close())

const variable = 'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_ASSERTION_KEYSTORE'
const hour = 3_600_000

/** At once, as orchestrators replace files. */
function put(path: string, sender: Pick<Sender, 'pem' | 'pair'>): void {
  writeFileSync(`${path}.new`, describedPkcs12(sender), { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

const drop = async ({ thumbprint }: Sender) => {
  const hex = Buffer.from(thumbprint, 'base64url').toString('hex')
  orThrow(await removeCertificate(entra.tenant, entra.service.clientId, hex, entra.server.server.services))
}

/** The service, at the time that it is for the token server. */
async function start(t: TestContext, other: Record<string, string>) {
  const identity = await runIdentity(compose(entra, other), entra)
  t.after(() => identity.close())
  identity.server.advance(entra.server.now() - identity.server.now())
  return identity
}

/** The token that the service has got is over: it needs another one. */
function later(identity: RunningIdentity): void {
  identity.server.advance(hour)
  entra.server.advance(hour)
}

async function assertService(identity: RunningIdentity): Promise<void> {
  const answer = await identity.call(me)
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.json().username, describedIds.service)
}

const messages = ({ server }: RunningIdentity, message: string) =>
  server.log.filter(line => line.message === message)

test('a certificate is changed on disk, under load, without a failed request and without a restart', async t => {
  const path = join(entra.directory, 'rotated.p12')
  const [old, renewed] = [newCertificate('old'), newCertificate('renewed')]
  await holdCertificate(entra.server, entra.service, old)
  await holdCertificate(entra.server, entra.service, renewed)
  put(path, old)
  const identity = await start(t, { [`${variable}_PATH`]: path })
  const load = async (requests: number) => {
    for (let i = 0; i < requests; i += 20)
      await Promise.all(Array.from({ length: 20 }, () => assertService(identity)))
  }
  await load(100)
  const under = load(200)
  put(path, renewed)
  later(identity)
  await under
  await drop(old)
  later(identity)
  await load(100)
  const loaded = messages(identity, 'Certificate loaded successfully with alias: identity')
  assert.deepEqual(
    loaded.map(({ fields }) => fields.thumbprint),
    [old.thumbprint, renewed.thumbprint],
  )
  assert.deepEqual(messages(identity, 'Microsoft Entra returned: invalid_client_assertion'), [])
})

test('a keystore that is broken while the service runs is told of, and what was read stays in use', async t => {
  const path = join(entra.directory, 'broken.p12')
  put(path, entra.certificate)
  const identity = await start(t, { [`${variable}_PATH`]: path })
  await assertService(identity)
  writeFileSync(path, 'no keystore')
  later(identity)
  await assertService(identity)
  assert.equal(
    messages(identity, 'the keystore changed and cannot be read; what was read before stays in use').length,
    1,
  )
})

test('a keystore that others can read is told of', async t => {
  const path = join(entra.directory, 'open.p12')
  put(path, entra.certificate)
  chmodSync(path, 0o644)
  const identity = await start(t, { [`${variable}_PATH`]: path })
  const [line] = messages(identity, 'the keystore can be read by others on this computer')
  assert.deepEqual([line?.level, line?.fields.hint], ['warn', `chmod 600 ${path}`])
})

test('of two certificates the one that the token server knows is used', async t => {
  const [known, ahead] = [join(entra.directory, 'known.p12'), join(entra.directory, 'ahead.p12')]
  put(known, entra.certificate)
  const next = newCertificate('ahead', { notBefore: Date.now() - 60_000 })
  put(ahead, next)
  const identity = await start(t, { [`${variable}_PATH`]: `${known}, ${ahead}` })
  await assertService(identity)
  const [refused] = messages(identity, 'a certificate was refused; the next one is tried')
  assert.deepEqual(
    [refused?.fields.credential, refused?.fields.next],
    [next.thumbprint, entra.certificate.thumbprint],
  )
  // Once it is known there, it is the one.
  await holdCertificate(entra.server, entra.service, next)
  later(identity)
  await assertService(identity)
  assert.equal(messages(identity, 'a certificate was refused; the next one is tried').length, 1)
})

test('a certificate that was put there before the token server knows it does not end the service', async t => {
  const path = join(entra.directory, 'early.p12')
  put(path, entra.certificate)
  const identity = await start(t, { [`${variable}_PATH`]: path })
  await assertService(identity)
  put(path, newCertificate('not known yet'))
  later(identity)
  await assertService(identity)
  put(
    path,
    newCertificate('not good yet', {
      notBefore: Date.now() + 400 * 24 * hour,
      notAfter: Date.now() + 800 * 24 * hour,
    }),
  )
  later(identity)
  await assertService(identity)
})

test('certificates that come to their end are told of ahead, with their file', async t => {
  const path = join(entra.directory, 'ending.p12')
  const soon = newCertificate('ending', { notAfter: entra.server.now() + 10.5 * 24 * hour })
  await holdCertificate(entra.server, entra.service, soon)
  put(path, soon)
  const { server } = await start(t, { [`${variable}_PATH`]: path })
  const { context } = server.server.services
  const config = readConfig({ env: {}, file: undefined, cwd: entra.directory, processors: 1 })
  const maintenance = startMaintenance(server.server, config, context)
  t.after(() => maintenance.stop())
  const told = () => server.log.filter(({ fields }) => fields.of === 'identity')
  await maintenance.run()
  const [{ level, message, fields } = assert.fail('nothing was told'), ...more] = told()
  assert.deepEqual([level, message], ['warn', 'a certificate ends soon'])
  assert.deepEqual([fields.id, fields.file, fields.daysLeft], [soon.thumbprint, path, 10])
  assert.match(String(fields.hint), /successor/)
  assert.deepEqual(more, [])
  // Where the successor is in the file, there is nothing to tell.
  put(path, newCertificate('successor', { notAfter: entra.server.now() + 400 * 24 * hour }))
  server.advance(24 * hour)
  await maintenance.run()
  assert.equal(told().length, 1)
})

test('a keystore of keytool works, with the alias and the password that it has', async t => {
  const path = join(entra.directory, 'keytool.p12')
  writeFileSync(path, pkcs12Fixture('several.p12'), { mode: 0o600 })
  const opened = certificateFromPkcs12(pkcs12Fixture('several.p12'), {
    passphrase: 'changeit',
    alias: 'client-rsa',
  })
  await holdCertificate(entra.server, entra.service, { pem: leafPem(String(opened.certificate.cert)) })
  const identity = await start(t, {
    [`${variable}_PATH`]: path,
    [`${variable}_PASSWORD`]: 'changeit',
    [`${variable}_KEY_PASSWORD`]: 'changeit',
    [`${variable}_KEY_ALIAS`]: 'Client-RSA',
  })
  await assertService(identity)
})

test('a token server of a private authority is trusted as soon as the keystore holds its root', async t => {
  const identity = await runIdentity(compose(entra))
  t.after(() => identity.close())
  identity.server.advance(entra.server.now() - identity.server.now())
  assert.equal((await identity.call(me)).status, 503)
  const { tenant, server } = identity.server
  const file = Buffer.from(entra.server.ca).toString('base64')
  orThrow(await importEntry(tenant, 'root', { file }, server.services))
  await assertService(identity)
})

for (const [title, kind, alg] of [
  ['an RSA key signs with RS256', 'rsa', 'RS256'],
  ['an RSA key signs with PS256 where that is configured', 'rsa', 'PS256'],
  ['an EC key signs with ES256', 'ec', 'ES256'],
] as const)
  test(`${title}, and the header names the certificate in each form`, async t => {
    const key =
      kind === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    const own = selfSigned(kind, { key, signer: key })
    const path = join(entra.directory, `${kind}.p12`)
    put(path, { ...own, pair: key })
    const server = await tokenServer(t, ({ path: asked }) =>
      asked === '/token'
        ? { status: 400, body: { error: 'temporarily_unavailable' } }
        : {
            body: {
              issuer: server.origin,
              token_endpoint: `${server.origin}/token`,
              jwks_uri: `${server.origin}/keys`,
            },
          },
    )
    const identity = await start(t, {
      [`${variable}_PATH`]: path,
      ...(alg === 'PS256' && { COUNTERSIGN_IDENTITY_ASSERTION_ALGORITHM: alg }),
      CAMUNDA_IDENTITY_ISSUER: server.origin,
      CAMUNDA_IDENTITY_ISSUER_BACKEND_URL: server.origin,
    })
    assert.equal((await identity.call(me)).status, 503)
    const asked = server.received.find(({ path: one }) => one === '/token')!
    const { header, claims } = partsOf(asked.form.get('client_assertion')!)
    assert.deepEqual(
      [header.alg, header['x5t#S256'], typeof header.x5t, typeof header.kid],
      [alg, own.thumbprint, 'string', 'string'],
    )
    assert.equal(header.kid, header.x5t, 'as the described system makes it')
    assert.deepEqual(
      [claims.iss, claims.sub, claims.aud, Number(claims.exp) - Number(claims.iat)],
      [describedIds.service, describedIds.service, `${server.origin}/token`, 300],
    )
    assert.equal('kid' in claims, false)
    assert.equal(asked.form.get('scope'), `${describedIds.api}/.default`)
  })
