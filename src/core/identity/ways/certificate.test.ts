import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newRoot } from '../../../../test/support/senders.ts'
import { isProblem } from '../../problem.ts'
import { certificateWay } from './certificate.ts'

const sender = newRoot('of callers').issue()
const presented = { der: sender.der, thumbprint: sender.thumbprint, chain: [] }
const fingerprint = Buffer.from(sender.thumbprint, 'base64url').toString('hex')

function wayOf(now = Date.now()) {
  const announced: string[] = []
  const way = certificateWay(
    { pinned: new Set([fingerprint]), principal: 'CN', cut: undefined, defaultRoles: ['admin'] },
    {
      now: () => now,
      evaluate: () => {
        throw new Error('a pinned certificate needs no authority')
      },
      onRole: (_, role) => announced.push(role),
    },
  )
  const request = { authorization: undefined, session: undefined, certificate: presented, source: '::1' }
  return { way, announced, request }
}

test('roles are told with the first request, not when somebody asks about the certificate', async () => {
  const { way, announced, request } = wayOf()
  const examined = await way.examine(presented)
  assert.ok(!isProblem(examined))
  assert.deepEqual(announced, [])
  const proven = await way.prove(request)
  assert.deepEqual(proven, examined)
  assert.deepEqual(announced, ['admin'])
  await way.prove(request)
  assert.deepEqual(announced, ['admin'])
})

test('a pin does not make a certificate good after its time, whoever asks', async () => {
  const { way, request } = wayOf(Date.now() + 365 * 86_400_000)
  for (const found of [await way.examine(presented), await way.prove(request)]) {
    assert.ok(isProblem(found))
    assert.equal(found.check, 'certificate trusted')
    assert.match(found.reason, /good from .* to .* only/)
  }
})
