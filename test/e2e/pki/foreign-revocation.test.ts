import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { removeTrust } from '../../../src/core/trust/index.ts'
import { certificateExtensions as kinds } from '../../../src/crypto/extensions/index.ts'
import { encodePem } from '../../../src/crypto/pem.ts'
import {
  askWith,
  type Ca,
  holds,
  issued,
  newRoot,
  type Sender,
  sending,
  trust as trusts,
} from '../../support/senders.ts'
import { orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { decisionOf, until } from '../worker/world.ts'
import {
  bytes,
  listBy,
  opensslResponder,
  type Publication,
  type Publisher,
  silence,
  startPublisher,
} from './foreign-world.ts'

const minute = 60_000
const hour = 60 * minute

let server: TestServer
let publisher: Publisher
/** Is named in certificates, and must never be asked. */
let canary: Publisher
before(async () => {
  server = await startTestServer()
  publisher = await startPublisher()
  canary = await startPublisher()
})
after(async () => {
  assert.equal(canary.total(), 0)
  await server.close()
  await publisher.close()
  await canary.close()
})

type Settings = Parameters<typeof trusts>[2]
const trust = (ca: Pick<Ca, 'pem'>, settings: Settings) => trusts(server, ca, settings)

let count = 0
/** A root with what it publishes. */
async function authority(publication: Publication, more: Settings = {}) {
  const root = newRoot(`foreign root ${++count}`)
  const crlUrl = publisher.place(publication)
  await trust(root, { crlUrl, ...more })
  return { root, crlUrl }
}

/** A sender with its key; to be called before its root is trusted, when nobody asks about revocation yet. */
async function registered(sender: Sender): Promise<Sender> {
  await holds(server, sender, { 'allow-untrusted': true })
  return sender
}

const status = async (sender: Sender): Promise<number> => (await askWith(server, sender)).status

/** Why it is refused. */
async function refusal(sender: Sender): Promise<string> {
  const answer = await askWith(server, sender)
  assert.equal(answer.status, 401, answer.text)
  return (await decisionOf({ server }, answer)).reason!
}

const warnings = (url: string): string[] =>
  server.log
    .filter(({ level, fields }) => level === 'warn' && fields.url === url)
    .map(({ fields }) => String(fields.reason))

describe('a list at the configured address', () => {
  test('lets in who is not on it, and refuses who is, with time and reason, in DER and in PEM', async () => {
    const root = newRoot('root of two senders')
    const [good, bad] = [root.issue(), root.issue()]
    const list = listBy(root, [bad])
    for (const content of [list, encodePem('X509 CRL', list)]) {
      const crlUrl = publisher.place(bytes(content))
      if (content === list) for (const one of [good, bad]) await registered(one)
      await trust(root, { crlUrl })
      assert.equal(await status(good), 200)
      assert.match(await refusal(bad), /^the certificate was revoked on \d{4}-.*keyCompromise/)
      assert.equal(publisher.asked(crlUrl), 1)
      assert.deepEqual(warnings(crlUrl), [])
    }
  })

  /** What a list can be worth nothing for. */
  const useless: readonly [string, (ca: Ca, bad: Sender) => Publication, RegExp][] = [
    [
      'is stale',
      ca => bytes(listBy(ca, [], { thisUpdate: Date.now() - 5 * hour, nextUpdate: Date.now() - 3 * hour })),
      /says nothing: stale/,
    ],
    [
      'is of tomorrow',
      ca => bytes(listBy(ca, [], { thisUpdate: Date.now() + 24 * hour })),
      /says nothing: not yet valid/,
    ],
    [
      'is signed by another key',
      ca => bytes(listBy({ ...newRoot('impostor'), subject: ca.subject })),
      /is not good: (key identifier|signature)/,
    ],
    ['is of another authority', () => bytes(listBy(newRoot('another'))), /is not good: issuer name/],
    ['covers authorities alone', ca => bytes(listBy(ca, [], { scope: 'ca' })), /says nothing: scope/],
    ['is a page', () => bytes('<html>moved</html>'), /HTML/],
    ['is empty', () => bytes(''), /empty/],
    ['is a certificate', ca => bytes(ca.der), /cannot be had/],
    ['is not there', () => (_, response) => void response.writeHead(404).end(), /it answered 404/],
    [
      'is said to be elsewhere: no redirect is followed',
      () => (_, response) =>
        void response.writeHead(302, { Location: canary.place(bytes('nobody comes')) }).end(),
      /it answered 302/,
    ],
    ['is broken off', () => request => void request.socket.destroy(), /socket|closed|reset/],
    [
      'is broken off in the middle',
      ca => (request, response) => {
        response.writeHead(200, { 'Content-Length': '100000' })
        response.write(listBy(ca), () => request.socket.destroy())
      },
      /terminated|closed|socket|reset/,
    ],
    [
      'never ends',
      () => (_, response) => {
        const more = Buffer.alloc(1024 * 1024, 0x30)
        const write = (): void => {
          while (!response.destroyed && response.write(more));
          if (!response.destroyed) response.once('drain', write)
        }
        write()
      },
      /larger than 33554432 bytes/,
    ],
  ]
  for (const [title, publish, why] of useless)
    test(`that ${title} refuses under "hard", lets in under "soft", and the log says so once`, async () => {
      const root = newRoot(`root whose list ${title}`)
      const sender = root.issue()
      const crlUrl = publisher.place(publish(root, sender))
      await registered(sender)
      const { fingerprint } = await trust(root, { crlUrl })
      const reason = await refusal(sender)
      assert.match(reason, /^nobody can tell whether the certificate is revoked: /)
      assert.match(reason, why)
      await trust(root, { crlUrl, revocation: 'soft' })
      assert.equal(await status(sender), 200)
      assert.equal(warnings(crlUrl).length, 1)
      assert.match(warnings(crlUrl)[0]!, why)
      await trust(root, { crlUrl, revocation: 'off' })
      assert.equal(await status(sender), 200)
      orThrow(await removeTrust(server.tenant, fingerprint, server.server.services))
    })

  test('that is stale still counts against who is on it, under "soft" too', async () => {
    const root = newRoot('root of a stale list')
    const bad = root.issue()
    const old = { thisUpdate: Date.now() - 5 * hour, nextUpdate: Date.now() - 3 * hour }
    await registered(bad)
    await trust(root, { crlUrl: publisher.place(bytes(listBy(root, [bad], old))), revocation: 'soft' })
    assert.match(await refusal(bad), /was revoked/)
  })

  test('is fetched once an hour, and who was revoked meanwhile is refused an hour and five minutes later', async () => {
    const world = await startTestServer()
    try {
      const root = newRoot('root of a growing list')
      const sender = root.issue()
      const crlUrl = publisher.place(bytes(listBy(root, [], { nextUpdate: Date.now() + 48 * hour })))
      await trusts(world, root, { crlUrl })
      await holds(world, sender)
      const ask = async () => (await askWith(world, sender)).status
      for (let i = 0; i < 12; i++) {
        assert.equal(await ask(), 200)
        world.advance(4 * minute)
      }
      assert.equal(publisher.asked(crlUrl), 1)
      publisher.replace(crlUrl, bytes(listBy(root, [sender], { nextUpdate: Date.now() + 48 * hour })))
      assert.equal(await ask(), 200)
      world.advance(17 * minute + 1)
      assert.equal(await ask(), 401)
      assert.equal(publisher.asked(crlUrl), 2)
    } finally {
      await world.close()
    }
  })

  test('that cannot be had again is relied upon until its nextUpdate, and the log says why', async () => {
    const world = await startTestServer()
    try {
      const root = newRoot('root whose server dies')
      const sender = root.issue()
      const crlUrl = publisher.place(bytes(listBy(root, [], { nextUpdate: Date.now() + 3 * hour })))
      await trusts(world, root, { crlUrl })
      await holds(world, sender)
      const ask = async () => (await askWith(world, sender)).status
      assert.equal(await ask(), 200)
      publisher.replace(crlUrl, (_, response) => void response.writeHead(503).end())
      world.advance(2 * hour)
      assert.equal(await ask(), 200)
      assert.ok(world.log.some(({ level, fields }) => level === 'warn' && fields.url === crlUrl))
      world.advance(hour + 2 * minute)
      assert.equal(await ask(), 401)
      publisher.replace(crlUrl, bytes(listBy(root, [], { nextUpdate: Date.now() + 48 * hour })))
      world.advance(minute)
      assert.equal(await ask(), 200)
    } finally {
      await world.close()
    }
  })

  test('whose next update is due in a quarter of an hour is fetched then', async () => {
    const world = await startTestServer()
    try {
      const root = newRoot('root in a hurry')
      const sender = root.issue()
      const due = (minutes: number) => bytes(listBy(root, [], { nextUpdate: Date.now() + minutes * minute }))
      const crlUrl = publisher.place(due(15))
      await trusts(world, root, { crlUrl })
      await holds(world, sender)
      assert.equal((await askWith(world, sender)).status, 200)
      publisher.replace(crlUrl, due(60))
      world.advance(21 * minute)
      assert.equal((await askWith(world, sender)).status, 200)
      assert.equal(publisher.asked(crlUrl), 2)
    } finally {
      await world.close()
    }
  })
})

describe('an intermediate', () => {
  test('has a list of its own at its own address; one that the root has revoked is refused with all below it', async () => {
    const root = newRoot('root of intermediates')
    const [good, bad] = [root.intermediate('good intermediate'), root.intermediate('bad intermediate')]
    const senders = [good, bad].map(ca => ({ ca, sender: ca.issue(), gone: ca.issue() }))
    for (const { sender, gone } of senders) for (const one of [sender, gone]) await registered(one)
    await trust(root, { crlUrl: publisher.place(bytes(listBy(root, [bad]))) })
    for (const { ca, sender, gone } of senders) {
      await trust(ca, { crlUrl: publisher.place(bytes(listBy(ca, [gone]))) })
      if (ca === good) assert.equal(await status(sender), 200)
      else assert.match(await refusal(sender), /^an authority in its path was revoked/)
      assert.match(await refusal(gone), /^the certificate was revoked/)
    }
  })

  for (const revocation of ['soft', 'hard'] as const)
    test(`with several certificates is one authority under "${revocation}": which of them the sender sends changes nothing`, async () => {
      const root = newRoot(`root of an authority certified twice, ${revocation}`)
      const issuing = root.intermediate(`certified twice ${revocation}`)
      const again = root.intermediate('', { key: issuing.pair, subject: issuing.subject })
      const [good, bad] = [await registered(issuing.issue()), await registered(issuing.issue())]
      await trust(root, { crlUrl: publisher.place(bytes(listBy(root))), revocation })
      await trust(issuing, { crlUrl: publisher.place(bytes(listBy(issuing, [bad]))), revocation })
      for (const sent of [issuing, again]) {
        assert.equal(await status(sending(good, sent.der)), 200)
        assert.match(await refusal(sending(bad, sent.der)), /^the certificate was revoked/)
      }
    })

  test('that is a root with several certificates has the stricter policy, whichever of them ends the path', async () => {
    const root = newRoot('reissued')
    const again = newRoot('', { key: root.pair, subject: root.subject })
    const bad = await registered(root.issue())
    await trust(root, { crlUrl: publisher.place(bytes(listBy(root, [bad]))) })
    await trust(again, {})
    for (const sent of [root, again])
      assert.match(await refusal(sending(bad, sent.der)), /^the certificate was revoked/)
  })

  test('without an address is one that nobody can tell of: refused under "hard", and the reason says what to set', async () => {
    const root = newRoot('root of an unknown intermediate')
    const sender = await registered(root.intermediate('unknown intermediate').issue())
    await trust(root, { crlUrl: publisher.place(bytes(listBy(root))) })
    assert.match(await refusal(sender), /no revocation list and no responder is set for its issuer/)
  })
})

describe('a responder at the configured address (openssl ocsp)', () => {
  test('set at the root, answers for the root and for the intermediates', async () => {
    const root = newRoot('root with a responder')
    const ca = root.intermediate('below it')
    const [good, bad, direct, unheard] = [ca.issue(), ca.issue(), root.issue(), ca.issue()]
    const ocspUrl = publisher.place(
      opensslResponder(() => [
        { ca, good: [good], revoked: [bad] },
        { ca: root, good: [ca, direct] },
      ]),
    )
    for (const one of [good, bad, direct, unheard]) await registered(one)
    await trust(root, { ocspUrl })
    assert.equal(await status(good), 200)
    assert.equal(await status(direct), 200)
    assert.match(await refusal(bad), /^the certificate was revoked on .*keyCompromise/)
    assert.match(await refusal(unheard), /unknown to the responder/)
  })

  test('is asked once for a certificate, however many requests there are, and again after five minutes', async () => {
    const world = await startTestServer()
    try {
      const root = newRoot('root that is asked often')
      const sender = root.issue()
      let revoked: readonly Sender[] = []
      const ocspUrl = publisher.place(
        opensslResponder(() => [{ ca: root, good: revoked.length > 0 ? [] : [sender], revoked }]),
      )
      await trusts(world, root, { ocspUrl })
      await holds(world, sender)
      const asked = publisher.asked(ocspUrl)
      world.advance(6 * minute)
      const answers = await Promise.all(Array.from({ length: 20 }, () => askWith(world, sender)))
      assert.deepEqual([...new Set(answers.map(answer => answer.status))], [200])
      assert.equal(publisher.asked(ocspUrl), asked + 1)
      revoked = [sender]
      world.advance(4 * minute)
      assert.equal((await askWith(world, sender)).status, 200)
      world.advance(minute + 1)
      assert.equal((await askWith(world, sender)).status, 401)
      assert.equal(publisher.asked(ocspUrl), asked + 2)
    } finally {
      await world.close()
    }
  })

  test('that gives nonsense is as good as none: hard refuses, soft lets in; a list is asked then', async () => {
    const root = newRoot('root with nonsense')
    const [sender, bad] = [root.issue(), root.issue()]
    const ocspUrl = publisher.place(bytes('no OCSP here'))
    for (const one of [sender, bad]) await registered(one)
    await trust(root, { ocspUrl })
    assert.match(await refusal(sender), /the responder cannot be asked/)
    await trust(root, { ocspUrl, revocation: 'soft' })
    assert.equal(await status(sender), 200)
    await trust(root, { ocspUrl, crlUrl: publisher.place(bytes(listBy(root, [bad]))) })
    assert.equal(await status(sender), 200)
    assert.match(await refusal(bad), /was revoked/)
  })

  test('that is dead is left alone for half a minute, for all certificates', async () => {
    const root = newRoot('root whose responder is dead')
    let calls = 0
    const ocspUrl = publisher.place(request => {
      calls++
      request.socket.destroy()
    })
    await trust(root, { ocspUrl, revocation: 'soft' })
    for (let i = 0; i < 5; i++) assert.equal(await status(await registered(root.issue())), 200)
    assert.equal(calls, 1)
    assert.equal(warnings(ocspUrl).length, 1)
  })
})

describe('while a server does not answer', () => {
  test('those whom it does not concern get their tokens, and so do the others when it is clear that it will not', async () => {
    const own = await issued(server)
    const { root: other } = await authority(silence, { revocation: 'off' })
    const neighbour = await registered(other.issue())
    const root = newRoot('root of silence')
    const sender = root.issue()
    const crlUrl = publisher.place(silence)
    await registered(sender)
    await trust(root, { crlUrl, revocation: 'soft' })
    let over = false
    const waiting = status(sender).finally(() => {
      over = true
    })
    await until(() => publisher.asked(crlUrl) > 0 || undefined)
    for (let i = 0; i < 10; i++) {
      assert.equal((await askWith(server, own)).status, 200)
      assert.equal(await status(neighbour), 200)
    }
    assert.equal(over, false)
    publisher.hangUp()
    assert.equal(await waiting, 200)
  })
})

describe('an address in a certificate', () => {
  test('is never asked, whoever has signed it and whatever the policy: neither list, responder nor issuer', async () => {
    const uri = (value: string) => ({ kind: 'uri', value }) as const
    const there = uri(canary.place(bytes('nobody comes')))
    const baited = {
      extensions: {
        cdp: kinds.crlDistributionPoints.build([{ fullName: [there] }]),
        aia: kinds.authorityInformationAccess.build([
          { method: '1.3.6.1.5.5.7.48.1', location: there },
          { method: '1.3.6.1.5.5.7.48.2', location: there },
        ]),
      },
    }
    const trusted = newRoot('root of a baited sender')
    const expected = [
      [{ crlUrl: publisher.place(bytes(listBy(trusted))) }, 200],
      [{ crlUrl: publisher.place(bytes('')), revocation: 'hard' }, 401],
      [{ crlUrl: publisher.place(bytes('')), revocation: 'soft' }, 200],
      [{ revocation: 'off' }, 200],
    ] as const
    const sender = await registered(trusted.issue(baited))
    for (const [settings, answer] of expected) {
      await trust(trusted, settings)
      assert.equal(await status(sender), answer)
    }
    // Nobody has sent the intermediate, and the certificate says where it would be.
    const incomplete = trusted.intermediate('not sent').issue(baited)
    await registered({ ...incomplete, credential: { ...incomplete.credential, cert: incomplete.pem } })
    assert.equal(
      await status({ ...incomplete, credential: { ...incomplete.credential, cert: incomplete.pem } }),
      401,
    )
    const stranger = await registered(newRoot('nobody', baited).issue(baited))
    assert.equal(await status(stranger), 401)
    assert.equal(canary.total(), 0)
  })

  test('link-local addresses are not asked either, though the operator has set them', async () => {
    for (const host of ['169.254.169.254', '[fe80::1]', '[::ffff:169.254.169.254]']) {
      const root = newRoot(`root at ${host}`)
      const sender = await registered(root.issue())
      await trust(root, { crlUrl: `http://${host}/latest/meta-data?token=secret` })
      const reason = await refusal(sender)
      assert.match(reason, /a link-local address is never called/)
      assert.doesNotMatch(reason, /secret/)
    }
  })
})
