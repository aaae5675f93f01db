import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type JournalLimits, openStore } from '../../../src/adapters/store/open.ts'
import type { Log } from '../../../src/core/context.ts'
import { recordRefusal } from '../../../src/core/explain/index.ts'
import { Problem } from '../../../src/core/problem.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }
const flood = 20_000

/** A store of its own, with a journal of such limits and a clock that the test moves. */
async function journalWith(t: TestContext, journalLimits: Partial<JournalLimits>) {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-bounds-'))
  const clock = { offset: 0 }
  const now = () => Date.now() + clock.offset
  const store = await openStore({ url: `sqlite:${directory}`, log: silent, now, journalLimits })
  t.after(async () => {
    await store.close()
    await rm(directory, { recursive: true })
  })
  const refuse = (n: number) =>
    store.journal.decision(
      recordRefusal(
        new Problem('bad_credentials', 'the credentials are not valid', {
          reason: 'x'.repeat(200),
          hint: 'y'.repeat(100),
        }),
        {
          correlationId: `id-${n}`,
          callerCorrelationId: undefined,
          tenantId: 'tenant',
          at: now(),
          surface: 'flow',
          method: 'POST',
          path: '/http/orders',
          source: '203.0.113.1',
          listener: 'public',
          status: 401,
        },
        ['credentials present', 'client credential'],
      ),
    )
  const kept = async () => (await store.journal.decisions('tenant', { limit: 100_000 })).length
  const size = () =>
    readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)
  return { journal: store.journal, refuse, kept, size, clock }
}

test('a flood of 20 000 refusals leaves as many records as the bound allows, the newest ones', async t => {
  const { journal, refuse, kept, size } = await journalWith(t, { rows: 1000 })
  let sizeHalfway = 0
  for (let n = 1; n <= flood; n++) {
    refuse(n)
    if (n % 1000 === 0) await journal.flush()
    if (n === flood / 2) sizeHalfway = size()
  }
  assert.equal(journal.dropped, 0)
  // A twentieth more than the bound, and what one group holds.
  assert.ok((await kept()) <= 1000 + 50 + 500, `${await kept()} records`)
  assert.ok((await kept()) >= 1000)
  assert.ok(await journal.findDecision('tenant', `id-${flood}`))
  assert.equal(await journal.findDecision('tenant', 'id-1'), undefined)
  assert.ok(size() <= 1.2 * sizeHalfway, `the files stop growing: ${sizeHalfway}, then ${size()} bytes`)
})

test('a flood faster than the disk is cut off at the queue, counted, and holds nobody up', async t => {
  const { journal, refuse, kept } = await journalWith(t, { queued: 2000 })
  const started = performance.now()
  for (let n = 1; n <= flood; n++) refuse(n)
  const each = ((performance.now() - started) / flood) * 1000
  assert.ok(journal.dropped > flood / 2)
  assert.ok(each < 500, `${each} us for each refusal`)
  await journal.flush()
  assert.equal((await kept()) + journal.dropped, flood, 'nothing is lost uncounted')
  refuse(flood + 1)
  await journal.flush()
  assert.ok(await journal.findDecision('tenant', `id-${flood + 1}`), 'what comes after the flood is kept')
})

test('records older than their age go, however few there are', async t => {
  const { journal, refuse, kept, clock } = await journalWith(t, { ageMs: 60_000 })
  for (let n = 0; n < 10; n++) refuse(n)
  await journal.flush()
  assert.equal(await kept(), 10)
  clock.offset += 3600_000
  refuse(11)
  await journal.flush()
  assert.equal(await kept(), 1)
})
