import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, randomBytes, sign, verify, X509Certificate } from 'node:crypto'
import { after, test } from 'node:test'
import { createKeystoreIdentities, keystoreLimits } from '../../../src/core/keystore/index.ts'
import { isProblem } from '../../../src/core/problem.ts'
import { createTenant, deleteTenant } from '../../../src/core/tenants/index.ts'
import { openVault, rewrapVault } from '../../../src/core/vault.ts'
import { certificateExtensions as kinds } from '../../../src/crypto/extensions/index.ts'
import { OID } from '../../../src/crypto/oids.ts'
import { anEntry } from '../../contracts/keystore.ts'
import { openssl } from '../../support/openssl.ts'
import { keyWithChain, opensslPkcs12, pkcs12Fixture } from '../../support/pkcs12.ts'
import { type Ca, newPair, newRoot, pkcs8, type Sender } from '../../support/senders.ts'
import { orThrow, startTestServer } from '../../support/server.ts'
import { adminWith, allRoles, bytesOf, startAdminWorld, told } from './world.ts'

const { directory, server, services, admin, close } = await startAdminWorld()
after(close)

interface Entry {
  alias: string
  kind: string
  subject: string
  issuer: string
  algorithm: string
  fingerprint: string
  notBefore: string
  notAfter: string
  state: string
  certificates: number
  createdAt: string
  updatedAt: string
  warnings?: string[]
  chain?: { subject: string; pem: string }[]
}

const day = 86_400_000
const create = (alias: string, more = {}) =>
  admin.call('POST', '/keystore', { alias, keyLength: 256, ...more })
const importing = (alias: string, file: string, more = {}) =>
  admin.call('POST', '/keystore/import', { alias, file, ...more })
const at = (alias: string) => `/keystore/${encodeURIComponent(alias)}`
const show = async (alias: string) => (await admin.call('GET', at(alias))).json<Entry>()
const list = async () => (await admin.call('GET', '/keystore')).json<{ entries: Entry[] }>().entries
const find = (alias: string) => services.keystore.find(server.tenant.id, alias)
const identity = async (alias: string) => orThrow(await find(alias))
/** A key with its certificate, in one file. */
const pairFile = (sender: Sender) => pkcs8(sender.pair) + sender.credential.cert
const csrOf = async (alias: string) =>
  (await admin.call('GET', `${at(alias)}/signing-request`)).json<{ csr: string }>().csr
const replacing = (alias: string, certificates: string) =>
  admin.call('POST', `${at(alias)}/chain`, { certificates })

/** A certificate for the key of an entry. */
async function signedBy(ca: Ca, alias: string, more: Parameters<Ca['issue']>[0] = {}): Promise<Sender> {
  const publicKey = createPublicKey((await identity(alias)).privateKey)
  return ca.issue({ key: { publicKey, privateKey: newPair().privateKey }, ...more })
}

test('a key pair is made with a certificate for client authentication that it signs itself', async () => {
  const answer = await create('made', { subject: 'CN=erp,O=Example\\, Inc.,C=DE', validityDays: 10 })
  assert.equal(answer.status, 201, answer.text)
  const { notBefore, notAfter, fingerprint, ...made } = answer.json<Entry>()
  const chain = (await show('made')).chain!
  const certificate = new X509Certificate(chain[0]!.pem)
  assert.equal(certificate.fingerprint256.replaceAll(':', '').toLowerCase(), fingerprint)
  assert.ok(certificate.verify(certificate.publicKey))
  assert.deepEqual(certificate.keyUsage, [OID.clientAuth])
  assert.equal(certificate.ca, false)
  assert.equal(Date.parse(notAfter), certificate.validToDate.getTime())
  assert.ok(Date.parse(notBefore) < server.now() && Date.parse(notAfter) < server.now() + 10 * day + 1)
  assert.deepEqual(
    [made.alias, made.kind, made.subject, made.issuer, made.algorithm, made.state, made.certificates],
    ['made', 'key-pair', 'CN=erp,O=Example\\, Inc.,C=DE', 'CN=erp,O=Example\\, Inc.,C=DE', 'P-256', '14d', 1],
  )
  const plain = (await admin.call('POST', '/keystore', { alias: 'by default' })).json<Entry>()
  assert.deepEqual([plain.subject, plain.algorithm, plain.state], ['CN=by default', 'RSA 2048', 'valid'])
  assert.equal(Math.round((Date.parse(plain.notAfter) - server.now()) / day), 1095)
  assert.equal((await create('curve', { keyLength: 384 })).json<Entry>().algorithm, 'P-384')
  // A common name has 64 characters at most.
  assert.equal((await create('€'.repeat(250))).json<Entry>().subject, `CN=${'€'.repeat(64)}`)
})

test('the key of an entry is found by its alias in any case, and fits its chain', async () => {
  await create('used')
  const { privateKey, chain } = await identity('USED')
  const message = randomBytes(20)
  const { publicKey } = new X509Certificate(chain[0]!)
  assert.ok(verify('sha256', message, publicKey, sign('sha256', message, privateKey)))
  assert.equal(await identity('Used'), await identity('uSED'), 'kept in memory')
  const missing = await find('nobody')
  assert.ok(isProblem(missing) && missing.code === 'not_found')
  await importing('alone', newRoot('alone').pem)
  const alone = await find('alone')
  assert.ok(isProblem(alone) && /has no private key/.test(alone.description))
})

test('a signing request is signed by the key, and its answer takes the place of the chain in any order', async () => {
  await create('signed', { subject: 'CN=signed,O=Example' })
  const before = await identity('signed')
  const csr = await csrOf('signed')
  assert.match(csr, /^-----BEGIN CERTIFICATE REQUEST-----\n/)
  openssl(['req', '-in', 'csr.pem', '-verify', '-noout'], { 'csr.pem': csr })
  assert.match(
    openssl(['req', '-in', 'csr.pem', '-noout', '-subject', '-nameopt', 'RFC2253'], { 'csr.pem': csr }),
    /subject=CN=signed,O=Example/,
  )
  const root = newRoot('of the chain')
  const upper = root.intermediate('upper')
  const lower = upper.intermediate('lower')
  const leaf = await signedBy(lower, 'signed')
  server.advance(1000)
  const answer = await replacing('signed', upper.pem + root.pem + leaf.pem + lower.pem + leaf.pem)
  assert.equal(answer.status, 200, answer.text)
  const { certificates, issuer, createdAt, updatedAt } = answer.json<Entry>()
  assert.deepEqual([certificates, issuer], [4, 'CN=lower,O=Foreign'])
  assert.ok(Date.parse(updatedAt) >= Date.parse(createdAt) + 1000)
  const now = await identity('signed')
  assert.deepEqual(now.chain, [leaf.der, lower.der, upper.der, root.der])
  assert.ok(now.privateKey.equals(before.privateKey))
  assert.deepEqual(
    (await show('signed')).chain!.map(({ subject }) => subject.split(',')[0]),
    ['CN=sender', 'CN=lower', 'CN=upper', 'CN=of the chain'],
  )
  // The request for a successor asks for what the certificate says.
  assert.match(
    openssl(['req', '-in', 'csr.pem', '-noout', '-text'], { 'csr.pem': await csrOf('signed') }),
    /CN\s*=\s*sender[\s\S]+TLS Web Client Authentication/,
  )
})

test('a chain that does not fit is refused with what is wrong, and nothing changes', async () => {
  await create('kept')
  const root = newRoot('of others')
  const below = root.intermediate('between')
  const leaf = await signedBy(below, 'kept')
  const before = await show('kept')
  for (const [certificates, words] of [
    [
      root.issue().pem,
      /none of the certificates has the public key of entry kept: there is CN=sender,O=Example/,
    ],
    [leaf.pem + root.pem, /not one chain: none of CN=of others,O=Foreign signed CN=sender,O=Example/],
    [leaf.pem + below.pem + newRoot('stranger').pem, /not one chain: none of CN=stranger/],
    [leaf.pem + newRoot('x', { subject: below.subject }).pem, /not one chain/],
    [(await signedBy(below, 'kept', { notAfter: Date.now() - 1000 })).pem, /the certificate ended at/],
    [pkcs8(newPair()) + leaf.pem, /holds a private key/],
    [await csrOf('kept'), /holds a signing request/],
    ['', /the chain: /],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', /a certificate cannot be read/],
    [leaf.pem + Array.from({ length: 11 }, (_, i) => newRoot(`${i}`).pem).join(''), /a chain of 12/],
  ] as const) {
    const answer = await replacing('kept', certificates)
    assert.equal(answer.status, 400, answer.text)
    assert.match(told(answer), words)
  }
  assert.deepEqual(await show('kept'), before)
  const server_ = await signedBy(below, 'kept', {
    extensions: { eku: kinds.extendedKeyUsage.build([OID.serverAuth]) },
  })
  assert.match(
    (await replacing('kept', server_.pem)).text,
    /"warnings":\["the certificate does not allow client/,
  )
  assert.equal((await replacing('kept', leaf.pem)).json<Entry>().warnings, undefined)
})

test('key pairs are imported from PEM in every form that openssl writes', async () => {
  const root = newRoot('above')
  const below = root.intermediate('below')
  const sender = below.issue()
  const key = pkcs8(sender.pair)
  const run = (...args: string[]) => openssl(args, { 'key.pem': key })
  const files: [name: string, file: string, passphrase?: string][] = [
    ['pkcs8', key],
    ['sec1', run('ec', '-in', 'key.pem')],
    ['sec1 with its curve', run('ecparam', '-name', 'prime256v1') + run('ec', '-in', 'key.pem')],
    ['encrypted', run('pkcs8', '-topk8', '-in', 'key.pem', '-passout', 'pass:pass phrase'), 'pass phrase'],
    ['encrypted of old', run('ec', '-aes256', '-in', 'key.pem', '-passout', 'pass:pässe'), 'pässe'],
  ]
  for (const [name, file, passphrase] of files) {
    const answer = await importing(name, root.pem + file + below.pem + sender.pem, { passphrase })
    assert.equal(answer.status, 201, `${name}: ${answer.text}`)
    const { chain, privateKey } = await identity(name)
    assert.deepEqual(chain, [sender.der, below.der, root.der], name)
    assert.ok(privateKey.equals(sender.pair.privateKey), name)
  }
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const ofRsa = root.issue({ key: rsa })
  const pkcs1 = rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }) as string
  const answer = await importing('pkcs1', (pkcs1 + ofRsa.pem).replaceAll('\n', '\r\n'))
  assert.equal(answer.json<Entry>().algorithm, 'RSA 2048', answer.text)
  const edwards = generateKeyPairSync('ed25519')
  const ofEdwards = root.issue({ key: edwards })
  assert.equal((await importing('ed', pairFile(ofEdwards))).json<Entry>().algorithm, 'Ed25519')
  openssl(['req', '-in', 'csr.pem', '-verify', '-noout'], { 'csr.pem': await csrOf('ed') })
})

test('key pairs are imported from PKCS#12: of openssl as it stands, of Java the entry that is named', async () => {
  const pair = keyWithChain('P-256')
  const one = opensslPkcs12(pair, ['-name', 'client'])
  const answer = await importing('of openssl', one.toString('base64'), { passphrase: 'secret' })
  assert.equal(answer.status, 201, answer.text)
  assert.deepEqual((await identity('of openssl')).chain, pair.chain)
  assert.ok((await identity('of openssl')).privateKey.equals(pair.privateKey))
  const unnamed = opensslPkcs12(pair).toString('base64')
  const named = await importing('unnamed', unnamed, { passphrase: 'secret', entry: 'any' })
  assert.match(named.json<Entry>().warnings![0]!, /has no name, so it is taken for the alias/)
  const several = pkcs12Fixture('several.p12').toString('base64')
  const open = { passphrase: 'changeit' }
  const java = await importing('of java', several, { ...open, entry: 'CLIENT-ec' })
  assert.deepEqual([java.json<Entry>().algorithm, java.json<Entry>().certificates], ['P-384', 3], java.text)
  const trusted = pkcs12Fixture('trust.p12').toString('base64')
  assert.equal((await importing('trusted', trusted, open)).json<Entry>().kind, 'certificate')
  for (const [file, more, words] of [
    [several, open, /holds 3 private keys: name one as alias: .*client-rsa/i],
    [several, { ...open, entry: 'nobody' }, /no private key with the alias .*nobody.*client-rsa/i],
    [trusted, { ...open, entry: 'nobody' }, /the file holds no certificate of that name/],
    [one.toString('base64'), { passphrase: 'wrong' }, /the password is not that of the file/],
    [one.toString('base64'), {}, /the password is not that of the file/],
    [pkcs12Fixture('no-mac.p12').toString('base64'), open, /has no MAC.*allow it: --allow-no-mac/],
  ] as const) {
    const refused = await importing('refused', file, more)
    assert.equal(refused.status, 400, refused.text)
    assert.match(told(refused), words)
  }
})

test('a file without a MAC is read when that is said, with a warning and a line in the log', async () => {
  const file = opensslPkcs12(keyWithChain('P-256'), ['-nomac']).toString('base64')
  const open = { passphrase: 'secret', entry: 'any', allowNoMac: true }
  const answer = await importing('without mac', file, open)
  assert.equal(answer.status, 201, answer.text)
  assert.match(answer.json<Entry>().warnings![0]!, /taken for the alias "any"; the file has no MAC/)
  const logged = server.log.filter(line => line.message === 'admin operation done').at(-1)!
  assert.equal((logged.fields.set as { allowNoMac?: boolean }).allowNoMac, true)
  const trusted = pkcs12Fixture('no-mac.p12').toString('base64')
  const alone = await importing('trusted without mac', trusted, { allowNoMac: true })
  assert.match(alone.json<Entry>().warnings![0]!, /^the file has no MAC/)
  assert.equal((await importing('refused', file, { ...open, allowNoMac: false })).status, 400)
  const signed = opensslPkcs12(keyWithChain('P-256')).toString('base64')
  const withMac = await importing('with mac', signed, { passphrase: 'secret', allowNoMac: true })
  assert.doesNotMatch(withMac.text, /MAC/)
})

test('what has ended, or is not good yet, is imported with a warning that names its dates', async () => {
  const root = newRoot('of dates')
  for (const [alias, from, words] of [
    ['over', -3, /entry over has ended: its dates are \d{4}-.* to \d{4}-/],
    ['to come', 1, /entry to come is not good yet: its dates are \d{4}-.* to \d{4}-/],
  ] as const) {
    const notBefore = Date.now() + from * day
    const sender = root.issue({ notBefore, notAfter: notBefore + 2 * day })
    const { warnings } = (await importing(alias, pairFile(sender))).json<Entry>()
    assert.equal(warnings!.length, 1)
    assert.match(warnings![0]!, words)
  }
  const good = (await importing('good', pairFile(root.issue()))).json<Entry>()
  assert.equal(good.warnings, undefined)
})

test('certificates are imported without a key, alone or as a chain, in PEM and DER', async () => {
  const root = newRoot('partner')
  const below = root.intermediate('partner issuing')
  for (const [alias, file, certificates, subject] of [
    ['root', root.pem, 1, 'CN=partner,O=Foreign'],
    ['der', root.der.toString('base64'), 1, 'CN=partner,O=Foreign'],
    ['chain', root.pem + below.pem, 2, 'CN=partner issuing,O=Foreign'],
  ] as const) {
    const entry = (await importing(alias, file)).json<Entry>()
    assert.deepEqual([entry.kind, entry.certificates, entry.subject], ['certificate', certificates, subject])
  }
  for (const answer of [
    await admin.call('GET', '/keystore/root/signing-request'),
    await replacing('root', root.pem),
  ]) {
    assert.equal(answer.status, 409)
    assert.match(told(answer), /entry root is a certificate.*import ALIAS FILE --replace/)
  }
})

test('what cannot be imported is refused with the reason, which repeats nothing of the file', async () => {
  const root = newRoot('above')
  const sender = root.issue()
  const key = pkcs8(sender.pair)
  const encrypted = openssl(['pkcs8', '-topk8', '-in', 'key.pem', '-passout', 'pass:right'], {
    'key.pem': key,
  })
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const large = kinds.subjectAltName.build(
    Array.from({ length: 400 }, (_, i) => ({ kind: 'dns', value: `a-long-name-number-${i}.example` })),
  )
  for (const [file, words, more] of [
    ['', /it is no PKCS#12 and no PEM file: the file is empty/],
    ['no key', /it cannot be imported: it is no PKCS#12 and no PEM file \|/],
    [Buffer.from('ff00fe01', 'hex').toString('base64'), /it is no PKCS#12 and no PEM file \|/],
    [
      Buffer.from('feedfeed0000000200000000', 'hex').toString('base64'),
      /Java keystore of the type JKS: convert it with keytool -importkeystore .*-deststoretype PKCS12/,
    ],
    [root.der.toString('base64').slice(0, -3), /not exact base64: was something cut off\?/],
    [key, /a private key without a certificate: give both in one file/],
    [key + newRoot('x').issue().pem, /the file holds no certificate of its private key/],
    [key + sender.pem + newRoot('x').pem, /not one chain/],
    [key + pkcs8(newPair()) + sender.pem, /2 private keys/],
    [root.issue().pem + root.issue().pem, /certificates that do not belong together.*an alias of its own/],
    [encrypted + sender.pem, /the private key is encrypted: give its passphrase/],
    [
      encrypted + sender.pem,
      /the private key cannot be opened: the passphrase is another one/,
      { passphrase: 'wrong' },
    ],
    [key.slice(0, -60) + sender.pem, /the block PRIVATE KEY has no END line/],
    [key.replace(/\n[^-]{30}/, '\n') + sender.pem, /it cannot be imported: /],
    [key + sender.pem, /PEM names no entries/, { entry: 'x' }],
    [key + sender.pem + (await csrOf('used')), /holds a signing request/],
    [pkcs8(weak) + root.issue({ key: weak }).pem, /not accepted: its RSA key has 1024 bits/],
    [root.issue({ extensions: { large } }).pem, /a certificate has \d+ bytes: the limit is 10240/],
    ['A'.repeat(720_000), /the file has 540000 bytes: the limit is 524288/],
  ] as const) {
    const answer = await importing('refused', file, more)
    assert.equal(answer.status, 400, answer.text)
    assert.match(told(answer), words)
    assert.doesNotMatch(answer.text, /-----|right/)
  }
  assert.equal((await admin.call('GET', '/keystore/refused')).status, 404)
})

test('a successor takes the place of an entry when that is said, and of one of the same kind only', async () => {
  const root = newRoot('of successors')
  const [one, two] = [root.issue(), root.issue()]
  await importing('rotated', pairFile(one))
  await importing('of others', root.pem)
  const taken = await importing('ROTATED', pairFile(two))
  assert.equal(taken.status, 409)
  assert.match(told(taken), /has an entry rotated already.*import --replace/)
  const before = await identity('rotated')
  const answer = await importing('ROTATED', pairFile(two), { replace: true })
  assert.equal(answer.json<Entry>().alias, 'rotated', answer.text)
  const after = await identity('rotated')
  assert.equal(after.entryId, before.entryId)
  assert.ok(after.privateKey.equals(two.pair.privateKey))
  for (const [alias, file, status, words] of [
    ['nothing', pairFile(one), 404, /no entry nothing/],
    ['rotated', root.pem, 409, /rotated is a key pair, and the file holds no private key/],
    ['of others', pairFile(one), 409, /of others is a certificate, and the file holds a private key/],
  ] as const) {
    const refused = await importing(alias, file, { replace: true })
    assert.equal(refused.status, status)
    assert.match(told(refused), words)
  }
})

test('an entry is renamed, also in its case only, and never to the alias of another', async () => {
  await create('old name')
  await create('other name')
  const { privateKey, entryId } = await identity('old name')
  const rename = (alias: string, to: string) => admin.call('PATCH', at(alias), { alias: to })
  for (const to of ['OLD name', 'new name, & so on']) assert.equal((await rename('Old name', to)).status, 200)
  assert.ok(isProblem(await find('old name')))
  const renamed = await identity('new name, & so on')
  assert.equal(renamed.entryId, entryId)
  assert.ok(renamed.privateKey.equals(privateKey))
  assert.equal((await rename('new name, & so on', 'Other Name')).status, 409)
  assert.equal((await rename('old name', 'x')).status, 404)
})

test('an alias has 1 to 250 characters that can be seen, and none that divides an address', async () => {
  for (const alias of ['', ' a', 'a ', 'a/b', 'a\\b', '.', '..', 'a\nb', 'a\u200eb', 'x'.repeat(251)]) {
    await create('to be renamed')
    for (const answer of [
      await create(alias),
      await importing(alias, newRoot('x').pem),
      await admin.call('PATCH', '/keystore/to%20be%20renamed', { alias }),
    ]) {
      assert.equal(answer.status, 400, alias)
      assert.match(told(answer), /an alias has 1 to 250 printable characters/)
    }
  }
  for (const [body, words] of [
    [{ subject: 'erp' }, /subject: .*no distinguished name/],
    [{ subject: 'CN=#0101ff' }, /write values as text/],
    [{ subject: 'C=Germany' }, /subject: C has 7 characters/],
    [{ keyLength: 1024 }, /keyLength: must be one of 2048, 3072, 4096, 256, 384/],
    [{ validityDays: 0 }, /validityDays/],
    [{ validityDays: 3651 }, /validityDays/],
  ] as const) {
    const answer = await create('wrong', body)
    assert.equal(answer.status, 400)
    assert.match(told(answer), words)
  }
})

test('a deleted entry is gone at once, and its alias is free', async () => {
  await create('deleted')
  await identity('deleted')
  assert.equal((await admin.call('DELETE', '/keystore/Deleted')).status, 204)
  assert.ok(isProblem(await find('deleted')))
  for (const [method, path] of [
    ['GET', '/keystore/deleted'],
    ['DELETE', '/keystore/deleted'],
    ['GET', '/keystore/deleted/signing-request'],
  ] as const)
    assert.equal((await admin.call(method, path)).status, 404)
  assert.equal((await replacing('deleted', newRoot('x').pem)).status, 404)
  assert.equal((await create('deleted')).status, 201)
})

test('the state tells how near the end is: 60, 30, 14 and 3 days', async () => {
  const root = newRoot('of states')
  for (const [state, days] of [
    ['expired', -0.1],
    ['3d', 2.9],
    ['14d', 13],
    ['30d', 29],
    ['60d', 59],
    ['valid', 61],
  ] as const)
    assert.equal(
      (
        await importing(`ends ${state}`, pairFile(root.issue({ notAfter: server.now() + days * day })))
      ).json<Entry>().state,
      state,
    )
  const early = root.issue({ notBefore: server.now() + day })
  assert.equal((await importing('early', pairFile(early))).json<Entry>().state, 'not yet valid')
})

test('entries are those of one tenant: another one sees none of them, and has the same aliases', async () => {
  const acme = orThrow(await createTenant({ name: 'acme' }, services))
  const roles = allRoles.filter(role => role !== 'TenantsEdit')
  const token = await server.token(await server.sender({ plan: 'api', tenant: acme, parameters: { roles } }))
  const theirs = adminWith(server, token, '/tenants/acme')
  await create('shared')
  for (const [method, path] of [
    ['GET', '/keystore/shared'],
    ['DELETE', '/keystore/shared'],
    ['GET', '/keystore/shared/signing-request'],
  ] as const)
    assert.equal((await theirs.call(method, path)).status, 404)
  assert.equal((await theirs.call('POST', '/keystore', { alias: 'shared', keyLength: 256 })).status, 201)
  const own = await identity('shared')
  const other = orThrow(await services.keystore.find(acme.id, 'shared'))
  assert.ok(!own.privateKey.equals(other.privateKey))
  const row = (await services.store.read.keystore.find(acme.id, 'shared'))!
  // A row that is copied opens nowhere else.
  const moved = {
    ...row,
    ...anEntry(server.tenant, { alias: 'moved', sealedKey: row.sealedKey!, chain: row.chain }),
  }
  await services.store.write(({ keystore }) => keystore.insert(moved))
  await assert.rejects(async () => find('moved'), /sealed value does not open/)
  await services.store.write(({ keystore }) => keystore.delete(moved))
  orThrow(await deleteTenant('acme', services))
  assert.ok(isProblem(await services.keystore.find(acme.id, 'shared')))
})

test('a tenant holds 1800 entries; the next is refused and the limit named', async () => {
  assert.equal(keystoreLimits.perTenant, 1800)
  const limited = orThrow(await createTenant({ name: 'limited' }, services))
  await services.store.write(async ({ keystore }) => {
    for (let i = 0; i < 1800; i++) await keystore.insert(anEntry(limited))
  })
  const operator = adminWith(server, await server.adminToken(...allRoles), '/tenants/limited')
  const answer = await operator.call('POST', '/keystore', { alias: 'one more', keyLength: 256 })
  assert.equal(answer.status, 409)
  assert.match(told(answer), /keystore entries of a tenant: the limit is 1800/)
})

test('no private key is in an answer, a line of the log or a file of the store', async () => {
  const sender = newRoot('secret').issue()
  const passphrase = 'a passphrase that nobody logs'
  const encrypted = openssl(['pkcs8', '-topk8', '-in', 'key.pem', '-passout', `pass:${passphrase}`], {
    'key.pem': pkcs8(sender.pair),
  })
  await create('hidden one')
  await importing('hidden two', encrypted + sender.pem, { passphrase })
  const answers = [
    '/keystore',
    '/keystore/hidden%20one',
    '/keystore/hidden%20two',
    '/keystore/hidden%20two/signing-request',
  ]
  const told = await Promise.all(answers.map(async path => (await admin.call('GET', path)).text))
  await services.journal.flush()
  const log = JSON.stringify(server.log)
  const files = bytesOf(directory)
  assert.ok(files.includes('hidden one') && log.includes('hidden one'), 'the right places are searched')
  for (const alias of ['hidden one', 'hidden two']) {
    const { d } = (await identity(alias)).privateKey.export({ format: 'jwk' })
    const secret = Buffer.from(d!, 'base64url')
    const der = (await identity(alias)).privateKey.export({ format: 'der', type: 'pkcs8' })
    for (const place of [...told, log]) {
      assert.ok(!place.includes(d!) && !place.includes(der.toString('base64').slice(0, 60)))
      assert.ok(!/-----BEGIN [A-Z ]*PRIVATE KEY|passphrase that nobody/.test(place))
    }
    for (const form of [secret, der, secret.toString('hex'), secret.toString('base64').slice(0, -4)])
      assert.ok(!files.includes(form), alias)
  }
  assert.ok(!files.includes(passphrase))
})

test('every change leaves a line in the log that says what, without what is secret', async () => {
  const lines = () =>
    server.log.filter(line => line.message === 'admin operation done').map(line => line.fields)
  const { fingerprint, notAfter, kind, subject, issuer } = (await create('audited')).json<Entry>()
  const set = { alias: 'audited', kind, subject, issuer, fingerprint, notAfter }
  assert.deepEqual([lines().at(-1)?.operation, lines().at(-1)?.set], ['POST /keystore', set])
  await admin.call('PATCH', '/keystore/audited', { alias: 'Audited' })
  assert.deepEqual([lines().at(-1)?.alias, lines().at(-1)?.set], ['audited', { alias: 'Audited' }])
  await admin.call('DELETE', '/keystore/Audited')
  assert.equal(lines().at(-1)?.operation, 'DELETE /keystore/:alias')
})

test('keys open after the master key was rotated, in every process', async t => {
  const masterKey = randomBytes(32)
  const other = await startTestServer({ masterKey })
  t.after(other.close)
  const { store, changes, context } = other.server.services
  const token = await other.adminToken('SecurityMaterialEdit')
  await adminWith(other, token).call('POST', '/keystore', { alias: 'lasting', keyLength: 256 })
  const before = orThrow(await other.server.services.keystore.find(other.tenant.id, 'lasting'))
  const next = randomBytes(32)
  await rewrapVault(store, masterKey, next, context)
  const identities = createKeystoreIdentities(
    store.read.keystore,
    await openVault(store, next, context),
    changes,
  )
  const after = orThrow(await identities.find(other.tenant.id, 'lasting'))
  assert.ok(after.privateKey.equals(before.privateKey))
})

test('all of them are listed, by their alias', async () => {
  const aliases = (await list()).map(({ alias }) => alias.toLowerCase())
  assert.ok(aliases.length > 10)
  assert.deepEqual(aliases, aliases.toSorted())
  assert.ok(!(await admin.call('GET', '/keystore')).text.includes('"sealedKey"'))
})
