import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connect } from 'node:tls'
import { deleteKey } from '../../../src/core/broker/index.ts'
import { certificateExtensions as kinds } from '../../../src/crypto/extensions/index.ts'
import { OID } from '../../../src/crypto/oids.ts'
import type { LoadBalancer } from '../../support/proxies.ts'
import { holds, issued, newRoot, type Sender, selfSigned, sending, trust } from '../../support/senders.ts'
import { type Answer, orThrow } from '../../support/server.ts'
import { forgeries } from './forgeries.ts'
import {
  type Front,
  inFrontOf,
  keptConnection,
  type ProxiedServer,
  type SetUp,
  startDocumented,
  startProxied,
} from './world.ts'

const day = 86_400_000
const partners = newRoot('Partners Root')
const issuing = partners.intermediate('Partners Issuing')

/** Whose token it is (RFC 9068 section 2.2). */
function clientOf(answer: Answer): string {
  const [, claims = ''] = answer.json<{ access_token: string }>().access_token.split('.')
  return JSON.parse(Buffer.from(claims, 'base64url').toString()).client_id
}

/** What holds behind every documented load balancer. */
export function behindLoadBalancer(setUp: SetUp): void {
  describe(setUp.heading, () => {
    let world: ProxiedServer
    let proxy: LoadBalancer
    let front: Front
    let partner: Sender

    before(async () => {
      world = await startProxied(setUp.over, setUp.header)
      proxy = await startDocumented(setUp, world)
      front = inFrontOf(proxy, world)
      partner = issuing.issue({ cn: 'partner' })
      await trust(world.server, partners)
      await holds(world.server, partner, { 'allow-untrusted': true })
    })
    after(async () => {
      await proxy?.stop()
      await world?.close()
    })

    test('a sender with an issued certificate gets a token, and calls a flow with it or with the token', async () => {
      const sender = await issued(world.server)
      const answer = await front.token(sender)
      assert.equal(answer.status, 200, answer.text)
      const { access_token } = answer.json<{ access_token: string }>()
      assert.equal((await front.send(sender)).status, 200)
      assert.equal((await front.send(undefined, { Authorization: `Bearer ${access_token}` })).status, 200)
      assert.deepEqual(world.receiver.last().body.toString(), 'an order')
    })

    test('a token that is bound to a certificate is good with it alone', async () => {
      const sender = await issued(world.server, {}, { bindTokens: true })
      const { access_token } = (await front.token(sender)).json<{ access_token: string }>()
      const headers = { Authorization: `Bearer ${access_token}` }
      const statuses = []
      for (const by of [sender, undefined, await issued(world.server)])
        statuses.push((await front.send(by, headers)).status)
      assert.deepEqual(statuses, [200, 401, 401])
    })

    test('a leaf without its chain is completed from what is known, in the authority and in the trust', async () => {
      const own = await issued(world.server)
      const [leaf] = own.credential.cert.split(/(?<=-----END CERTIFICATE-----\n)/)
      const alone = { credential: { ...own.credential, cert: leaf! } }
      assert.equal((await front.token(alone)).status, 200)

      const sender = sending(partner)
      const refused = await front.token(sender)
      assert.equal(refused.status, 401)
      assert.match((await front.record(refused)).reason, /Partners Issuing/)
      await trust(world.server, issuing)
      assert.equal((await front.token(sender)).status, 200)
    })

    test(`the chain that a sender sends is ${setUp.sendsChain ? '' : 'not '}handed on`, async () => {
      const intermediate = partners.intermediate(`Unknown ${setUp.heading}`)
      const sender = intermediate.issue({ cn: `by ${setUp.heading}` })
      await trust(world.server, intermediate)
      await holds(world.server, sender)
      assert.equal((await front.token(sender)).status, 200)

      const other = partners.intermediate(`Unheard of ${setUp.heading}`)
      const stranger = other.issue({ cn: `stranger ${setUp.heading}` })
      const record = await front.record(await front.token(stranger))
      if (setUp.sendsChain) assert.match(record.reason, /no service key|not registered|unknown client/i)
      else assert.match(record.reason, /Unheard of/)
    })

    test('whom nobody vouches for is refused with 401, and the record names the missing root', async () => {
      const stranger = newRoot('Root of Strangers').issue({ cn: 'stranger' })
      for (const answer of [await front.token(stranger), await front.send(stranger)]) {
        assert.equal(answer.status, 401)
        const { reason, hint, listener } = await front.record(answer)
        assert.match(`${reason} ${hint}`, /Root of Strangers/)
        assert.match(`${hint}`, /trust add/)
        assert.equal(listener, 'proxy')
      }
    })

    test('a certificate that is expired, not yet valid, not for clients or self-signed is refused with 401 and a reason', async () => {
      const at = Date.now()
      const bad: [Sender, RegExp][] = [
        [issuing.issue({ cn: 'old', notBefore: at - 9 * day, notAfter: at - day }), /it was valid until/],
        [issuing.issue({ cn: 'early', notBefore: at + day }), /not yet valid|valid from/],
        [
          issuing.issue({
            cn: 'server',
            extensions: { eku: kinds.extendedKeyUsage.build([OID.serverAuth]) },
          }),
          /extended key usage|clientAuth/i,
        ],
        [selfSigned('self'), /self/i],
      ]
      for (const [sender, reason] of bad) {
        const answer = await front.token(sender)
        assert.equal(answer.status, 401, `${sender.pem} ${answer.text}`)
        assert.match((await front.record(answer)).reason, reason)
      }
    })

    test('no header that a caller sends says who it is, in whatever spelling and form', async () => {
      const sender = await issued(world.server)
      for (const { name, headers } of forgeries(setUp.header, partner)) {
        const answer = await front.send(undefined, headers)
        assert.equal(answer.status, 401, `${name}: ${answer.text}`)
        const token = await front.token(undefined, { headers })
        assert.equal(token.status, 401, `${name}: ${token.text}`)
        // Beside a certificate it changes nothing either.
        const own = await front.token(sender, { headers })
        assert.equal(own.status, 200, `${name}: ${own.text}`)
        assert.equal(clientOf(own), sender.clientid, name)
      }
    })

    test('X-Forwarded-For and its like are not believed', async () => {
      const headers = { 'X-Forwarded-For': '127.0.0.1', 'X-Real-IP': '127.0.0.1', Forwarded: 'for=127.0.0.1' }
      assert.equal((await front.call('/metrics', undefined, { headers })).status, 401)
      const record = await front.record(
        await front.send(undefined, { ...headers, 'X-Forwarded-For': '9.9.9.9' }),
      )
      assert.equal(record.source, setUp.over === 'socket' ? 'unix' : '127.0.0.1')
    })

    test('a deleted key is refused on the next request of a connection that stays open all the way', async () => {
      const sender = await issued(world.server)
      const kept = keptConnection(proxy, world, sender)
      try {
        assert.deepEqual(await kept.send(), { status: 200, reused: false })
        assert.deepEqual(await kept.send(), { status: 200, reused: true })
        orThrow(await deleteKey(world.server.tenant, sender.instance, 'key', world.server.server.services))
        assert.deepEqual(await kept.send(), { status: 401, reused: true })
      } finally {
        kept.close()
      }
    })

    if (setUp.over === 'port')
      test('a load balancer with a certificate of another authority gets nothing through, and the log says so', async () => {
        const sender = await issued(world.server)
        const impostor = newRoot('Impostors').issue({ cn: 'load balancer' })
        const other = await startDocumented(setUp, world, impostor)
        try {
          const answers = inFrontOf(other, world)
          for (const answer of [await answers.token(sender), await answers.call('/livez')])
            assert.ok([502, 503].includes(answer.status), answer.text)
          assert.match(world.refusals().join(), /UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT)/)
        } finally {
          await other.stop()
        }
      })

    for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
      test(`no session is resumed over ${version}`, async () => {
        const sender = await issued(world.server)
        const once = (session?: Buffer) =>
          new Promise<{ reused: boolean; session: Buffer | undefined }>((resolve, reject) => {
            let latest: Buffer | undefined
            const socket = connect(
              {
                ...{ host: 'localhost', port: proxy.port, ca: world.server.ca, ...sender.credential },
                ...{ minVersion: version, maxVersion: version, ...(session && { session }) },
              },
              () => socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
            )
            socket.on('session', given => {
              latest = given
            })
            socket.resume().once('error', reject)
            socket.once('end', () =>
              resolve({ reused: socket.isSessionReused(), session: latest ?? socket.getSession() }),
            )
          })
        const first = await once()
        assert.equal((await once(first.session)).reused, false)
      })
  })
}
