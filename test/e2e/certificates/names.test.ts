import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { removeTrust } from '../../../src/core/trust/index.ts'
import { oid, printableString, sequence, setOf, utf8String } from '../../../src/crypto/der.ts'
import type { GeneralName } from '../../../src/crypto/extensions/general-name.ts'
import { buildName } from '../../../src/crypto/names.ts'
import { named } from '../../support/chains.ts'
import {
  askWith,
  type Ca,
  type HeldKey,
  holds,
  newKey,
  newRoot,
  type Sender,
  sending,
  sendWith,
  trust,
} from '../../support/senders.ts'
import { type Answer, orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { deployOrders, partsOf } from '../token-server/world.ts'
import { decisionOf } from '../worker/world.ts'

let server: TestServer
let ca: Ca
let endReceiver: () => void
before(async () => {
  server = await startTestServer()
  ca = newRoot('naming')
  await trust(server, ca)
  endReceiver = await deployOrders(server)
})
after(async () => {
  endReceiver()
  await server.close()
})

type NameKind = 'subject_dn' | 'san_dns' | 'san_uri' | 'san_ip' | 'san_email'

const byName = (kind: NameKind, value: string, issuer: Pick<Ca, 'pem'> = ca): Promise<HeldKey> =>
  newKey(server, {
    'key-type': 'certificate_external',
    [`tls_client_auth_${kind}`]: value,
    issuer: issuer.pem,
  })

async function assertIs(sender: Sender, key: HeldKey) {
  const answer = await askWith(server, sender, { client_id: key.clientid })
  assert.equal(answer.status, 200, answer.text)
  const { claims } = partsOf(answer.json<{ access_token: string }>().access_token)
  assert.equal(claims.client_id, key.clientid)
  assert.equal((await sendWith(server, sender)).status, 200)
}

async function assertNobody(sender: Sender, reason = /no service key of the tenant holds/) {
  for (const answer of [await askWith(server, sender), await sendWith(server, sender)]) {
    assert.equal(answer.status, 401, answer.text)
    assert.match((await recordOf(answer)).reason, reason)
  }
}
const recordOf = (answer: Answer) => decisionOf({ server }, answer)

const sans: readonly {
  kind: Exclude<NameKind, 'subject_dn'>
  registered: string
  good: readonly GeneralName[]
  bad: readonly GeneralName[]
}[] = [
  {
    kind: 'san_dns',
    registered: 'Sender.Example.org',
    good: [{ kind: 'dns', value: 'sender.example.ORG' }],
    bad: [
      { kind: 'dns', value: 'sender.example.org.evil' },
      { kind: 'dns', value: 'x.sender.example.org' },
      { kind: 'dns', value: '*.example.org' },
      { kind: 'uri', value: 'https://sender.example.org' },
      { kind: 'email', value: 'sender.example.org@example.org' },
    ],
  },
  {
    kind: 'san_uri',
    registered: 'spiffe://example.org/Sender',
    good: [{ kind: 'uri', value: 'spiffe://example.org/Sender' }],
    bad: [
      { kind: 'uri', value: 'spiffe://example.org/sender' },
      { kind: 'uri', value: 'spiffe://example.org/Sender/' },
      { kind: 'uri', value: 'spiffe://EXAMPLE.org/Sender' },
      { kind: 'uri', value: 'spiffe://example.org/%53ender' },
    ],
  },
  {
    kind: 'san_ip',
    registered: '2001:DB8:0:0::7',
    good: [{ kind: 'ip', value: '2001:db8::7' }],
    bad: [
      { kind: 'ip', value: '2001:db8::8' },
      { kind: 'ip', value: '10.0.0.7' },
      { kind: 'dns', value: '2001.db8.0.7' },
    ],
  },
  {
    kind: 'san_email',
    registered: 'Ops@Example.org',
    good: [{ kind: 'email', value: 'Ops@example.ORG' }],
    bad: [
      { kind: 'email', value: 'ops@example.org' },
      { kind: 'email', value: 'Ops@example.org.evil' },
      { kind: 'uri', value: 'mailto:Ops@example.org' },
    ],
  },
]

for (const { kind, registered, good, bad } of sans)
  test(`a key by ${kind} takes any certificate of its authority with that name, compared as such names are`, async () => {
    const key = await byName(kind, registered)
    for (const name of good) {
      await assertIs(ca.issue({ cn: 'one' }, [name]), key)
      // Others beside it do no harm.
      await assertIs(ca.issue({ cn: 'two' }, [{ kind: 'dns', value: 'beside.example' }, name]), key)
    }
    for (const name of bad) await assertNobody(ca.issue({ cn: registered.slice(0, 60) }, [name]))
    await assertNobody(ca.issue({ cn: registered.slice(0, 60) }))
  })

test('the authority is bound by its key: one of the same name with another key vouches for nothing (keycloak#52801)', async () => {
  const key = await byName('subject_dn', 'CN=twofold,O=Example')
  const bySan = await byName('san_dns', 'twofold.example')
  const names = [{ kind: 'dns', value: 'twofold.example' }] as const
  await assertIs(ca.issue({ cn: 'twofold' }), key)
  await assertIs(ca.issue({ cn: 'other' }, names), bySan)
  // A root of the same name, trusted for other purposes of the tenant.
  const impostor = newRoot('naming')
  await trust(server, impostor)
  await assertNobody(impostor.issue({ cn: 'twofold' }))
  await assertNobody(impostor.issue({ cn: 'twofold' }, names))
  // And one that is trusted, below which an intermediate has taken the name.
  const other = newRoot('other root')
  await trust(server, other)
  const below = other.intermediate('naming', { subject: ca.subject })
  await assertNobody(below.issue({ cn: 'twofold' }, names))
})

test('the same key under another certificate of the authority is the same authority', async () => {
  const root = newRoot('cross root')
  await trust(server, root)
  const issuing = root.intermediate('issuing')
  const key = await byName('san_dns', 'cross.example', issuing)
  const sender = issuing.issue({ cn: 'cross' }, [{ kind: 'dns', value: 'cross.example' }])
  await assertIs(sender, key)
  const renewed = root.intermediate('issuing', { key: issuing.pair })
  await assertIs(sending(sender, renewed.der), key)
})

test('the authority may stand anywhere in the path', async () => {
  const root = newRoot('high root')
  await trust(server, root)
  const key = await byName('san_dns', 'below.example', root)
  const name = [{ kind: 'dns', value: 'below.example' }] as const
  await assertIs(root.intermediate('a').intermediate('b').issue({ cn: 'b' }, name), key)
  await assertNobody(ca.issue({ cn: 'b' }, name))
})

test('the path of each request counts: what an authority vouched for is not remembered for another path', async () => {
  const [one, other] = [newRoot('cross one'), newRoot('cross other')]
  const { fingerprint } = await trust(server, one)
  await trust(server, other)
  const issuing = one.intermediate('crossed')
  const crossed = other.intermediate('crossed', { key: issuing.pair })
  const sender = issuing.issue({ cn: 'crossed' }, [{ kind: 'dns', value: 'crossed.example' }])
  const key = await byName('san_dns', 'crossed.example', one)
  await assertNobody(sending(sender, crossed.der))
  await assertIs(sending(sender, issuing.der), key)
  await assertNobody(sending(sender, crossed.der))
  orThrow(await removeTrust(server.tenant, fingerprint, server.server.services))
  await assertNobody(sending(sender, issuing.der, crossed.der))
})

const dn = 'CN=Müller\\, Sons \\+ Co,OU=Intake+OU=Night,O=Example,C=DE'
const attributes = [
  { type: 'C', value: 'DE' },
  { type: 'O', value: 'Example' },
  [
    { type: 'OU', value: 'Intake' },
    { type: 'OU', value: 'Night' },
  ],
  { type: 'CN', value: 'Müller, Sons + Co' },
] as const

test('a subject DN is compared as RDNs: string types, case, white space and the order within an RDN do not count', async () => {
  const key = await byName('subject_dn', dn)
  const rdn = (...parts: readonly (readonly [string, Buffer])[]) =>
    setOf(parts.map(([type, value]) => sequence([oid(type), value])))
  const otherwise = sequence([
    rdn(['2.5.4.6', printableString('de')]),
    rdn(['2.5.4.10', printableString('EXAMPLE')]),
    rdn(['2.5.4.11', utf8String('Night')], ['2.5.4.11', printableString('intake')]),
    rdn(['2.5.4.3', utf8String('Müller,  sons + Co ')]),
  ])
  for (const subject of [buildName(attributes.map(one => one as never)), otherwise])
    await assertIs(ca.issue({ subject }), key)
})

test('look-alikes of a subject DN are nobody', async () => {
  await byName('subject_dn', 'CN=plain,O=Example')
  const [c, o, ou, cn] = attributes
  const lookAlikes: readonly Buffer[] = [
    // RDNs in another order, one more, one less.
    buildName([o, c, [...ou], cn]),
    buildName([c, o, [...ou], cn, { type: 'CN', value: 'more' }]),
    buildName([c, o, cn]),
    // What was one RDN is two; what is a comma in a value is a separator.
    buildName([c, o, ou[0], ou[1], cn]),
    buildName([c, o, [...ou], { type: 'CN', value: 'Müller' }]),
    named('plain, O=Example'),
    named('plain,O=Example', 'Example'),
    buildName([{ type: 'CN', value: 'plain,O=Example' }]),
    buildName([
      { type: 'CN', value: 'plain' },
      { type: 'O', value: 'Example' },
    ]),
    buildName([
      { type: 'OU', value: 'Example' },
      { type: 'CN', value: 'plain' },
    ]),
    named('plаin', 'Example'), // a Cyrillic letter
    named('pla\u200bin', 'Example'), // a space of no width
    named('plain\ufe00', 'Example'), // a variation selector
    named('plain\0', 'Example'),
    named('pl*in', 'Example'),
  ]
  for (const subject of lookAlikes) await assertNobody(ca.issue({ subject }))
})

test('exactly one name, and its authority, make such a key', async () => {
  const base = { 'key-type': 'certificate_external' }
  const dns = { tls_client_auth_san_dns: 'a.example' }
  const wrong: readonly [Record<string, unknown>, RegExp][] = [
    [{ ...dns, tls_client_auth_san_uri: 'urn:x', issuer: ca.pem }, /exactly one of/],
    [dns, /needs issuer/],
    [{ ...dns, issuer: 'garbage' }, /tls_client_auth_san_dns/],
    [{ ...dns, issuer: ca.pem + newRoot('x').pem }, /issuer: give one certificate/],
    [{ ...dns, issuer: ca.pem, 'X.509': ca.issue().pem }, /not both/],
    [{ tls_client_auth_san_ip: '10.0.0.300', issuer: ca.pem }, /is not such a name/],
    [{ tls_client_auth_san_dns: '*', issuer: ca.pem }, /is not such a name/],
    [{ tls_client_auth_subject_dn: 'no name', issuer: ca.pem }, /no distinguished name/],
  ]
  for (const [more, reason] of wrong) await assert.rejects(newKey(server, { ...base, ...more }), reason)
})

test('a subject DN comes with a warning, and nobody else may have the same', async () => {
  const key = await byName('subject_dn', 'CN=warned,O=Example')
  assert.match(key.warnings[0]!, /the subject of a certificate is compared, not the certificate/)
  assert.deepEqual((await byName('san_dns', 'unwarned.example')).warnings, [])
  await assert.rejects(byName('subject_dn', 'cn=WARNED, o=Example'), /another key names the same authority/)
})

test('a certificate that fits several keys is nobody', async () => {
  await byName('san_dns', 'first.example')
  await byName('san_dns', 'second.example')
  const both = ca.issue({ cn: 'both' }, [
    { kind: 'dns', value: 'first.example' },
    { kind: 'dns', value: 'second.example' },
  ])
  await assertNobody(both, /fits several service keys/)
})

test('a key that holds the very certificate goes before one that names it', async () => {
  const named = await byName('san_dns', 'held.example')
  const names = [{ kind: 'dns', value: 'held.example' }] as const
  const sender = ca.issue({ cn: 'held' }, names)
  const held = await holds(server, sender)
  await assertIs(sender, held)
  await assertIs(ca.issue({ cn: 'not held' }, names), named)
})

test('a self-signed certificate with the right name is nobody', async () => {
  await byName('san_dns', 'alone.example')
  const alone = newRoot('alone')
  const self = alone.issue({ cn: 'alone' }, [{ kind: 'dns', value: 'alone.example' }])
  await assertNobody(self)
})
