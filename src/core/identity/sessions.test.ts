import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { isProblem, type Problem } from '../problem.ts'
import type { Soon } from '../soon.ts'
import type { Change } from '../store.ts'
import type { Vault } from '../vault.ts'
import type { IdentityModels } from './model.ts'
import { createSessions } from './sessions.ts'
import { everySession, type SessionTable, type StoredEntity, type StoredSession } from './store.ts'
import type { Proven } from './way.ts'
import { proofOf } from './ways/password.ts'

const tenantId = 't'
const hour = 3_600_000
const user: StoredEntity = {
  tenantId,
  kind: 'user',
  id: 'anna',
  content: { password: 'hash' },
  createdAt: 0,
}
const proven: Proven = {
  by: 'token',
  principal: { type: 'user', id: 'anna', claims: { department: 'sales' } },
  displayName: 'Anna',
  email: undefined,
  until: undefined,
}

/** A process with the database that it shares with others; `hold` makes the next read wait. */
function world() {
  const rows = new Map<string, StoredSession>()
  const counts = { reads: 0, writes: 0 }
  const state = { now: 1_000_000, user: user as StoredEntity | undefined, failing: false }
  let held: Promise<void> | undefined
  const listeners: ((change: Change | undefined) => void)[] = []
  const tell = (change: Change | undefined) => {
    for (const listener of listeners) listener(change)
  }
  const ended = (digest: string) => tell({ kind: 'identity', tenantId, id: digest, detail: 'session' })
  const sessions: SessionTable = {
    async find(digest) {
      counts.reads++
      const row = rows.get(digest)
      await held
      return row
    },
    insert: async row => void rows.set(row.digest, row),
    async putOff(digest, expiresAt) {
      if (state.failing) throw new Error('the disk is full')
      counts.writes++
      const row = rows.get(digest)
      if (row) rows.set(digest, { ...row, expiresAt })
    },
    async delete({ digest }) {
      rows.delete(digest)
      ended(digest)
    },
    deleteExpired: async () => {},
    clear: async () => {},
  }
  const vault = { seal: (_: string, bytes: Buffer) => bytes, open: (_: string, bytes: Buffer) => bytes }
  const made = createSessions(
    { maxInactiveMs: hour, begunBy: ['token', 'password'] },
    {
      tenant: { id: tenantId },
      store: { read: { sessions }, write: work => work({ sessions }) },
      vault: vault as unknown as Vault,
      context: { now: () => state.now, random: randomBytes },
      models: { of: () => ({ entity: () => state.user }) } as unknown as IdentityModels,
      changes: { upToDate: () => true, onChange: listener => void listeners.push(listener) },
    },
  )
  const show = (session: string, thumbprint?: string): Soon<Proven | Problem> => {
    const certificate = thumbprint === undefined ? undefined : { der: Buffer.of(), thumbprint, chain: [] }
    return made.way.prove({ session, authorization: undefined, certificate, source: '::1' })
  }
  return {
    ...made,
    rows,
    counts,
    state,
    show,
    tell,
    ended,
    only: () => [...rows.keys()][0]!,
    hold: (until: Promise<void>) => {
      held = until
    },
  }
}

const isOver = async (found: Soon<Proven | Problem>) => {
  const result = await found
  assert.ok(isProblem(result))
  assert.equal(result.code, 'bad_credentials')
}

describe('a session', () => {
  test('is read once, and is then told at once, each time as the same principal', async () => {
    const { begin, show, counts, state } = world()
    const cookie = await begin(proven)
    const first = await show(cookie)
    assert.ok(!isProblem(first))
    const until = state.now + 12 * hour
    assert.deepEqual(first, { ...JSON.parse(JSON.stringify(proven)), by: 'session', until })
    const second = show(cookie)
    assert.ok(!(second instanceof Promise) && !isProblem(second))
    assert.equal(second.principal, first.principal)
    assert.equal(counts.reads, 1)
  })

  test('that nobody began is looked for each time, and is none', async () => {
    const { show, counts } = world()
    for (let i = 0; i < 2; i++) await isOver(show('x'))
    assert.equal(counts.reads, 2)
  })

  test('that ends here is over here', async () => {
    const { begin, show, end } = world()
    const cookie = await begin(proven)
    await show(cookie)
    await end(cookie)
    await isOver(show(cookie))
  })

  test('that ends in another process is over once that is heard; others stay', async () => {
    const { begin, show, rows, only, ended, counts } = world()
    const cookie = await begin(proven)
    const digest = only()
    const other = await begin(proven)
    await show(cookie)
    await show(other)
    rows.delete(digest)
    ended(digest)
    await isOver(show(cookie))
    assert.ok(!(show(other) instanceof Promise))
    assert.equal(counts.reads, 3)
  })

  test('of all that ended at once, and of changes that may have been missed, none is trusted', async () => {
    for (const change of [
      { kind: 'identity', tenantId, id: everySession, detail: 'session' } as const,
      undefined,
    ]) {
      const { begin, show, rows, tell } = world()
      const cookie = await begin(proven)
      await show(cookie)
      rows.clear()
      tell(change)
      await isOver(show(cookie))
    }
  })

  test('that ends while it is being read is not kept', async () => {
    const { begin, show, rows, only, ended, hold } = world()
    const cookie = await begin(proven)
    const { promise, resolve } = Promise.withResolvers<void>()
    hold(promise)
    const asked = show(cookie)
    const digest = only()
    rows.delete(digest)
    ended(digest)
    resolve()
    await asked
    await isOver(show(cookie))
  })

  test('changes of other things leave it in memory', async () => {
    const { begin, show, tell, counts } = world()
    const cookie = await begin(proven)
    await show(cookie)
    tell({ kind: 'identity', tenantId, id: 'anna', detail: 'user' })
    tell({ kind: 'role', tenantId, id: 'x' })
    await show(cookie)
    assert.equal(counts.reads, 1)
  })

  test('ends when it is not used, and lives as long as it is used anywhere', async () => {
    const { begin, show, state, rows, only } = world()
    const cookie = await begin(proven)
    await show(cookie)
    // Used in another process.
    rows.set(only(), { ...rows.get(only())!, expiresAt: state.now + 3 * hour })
    state.now += 2 * hour
    assert.ok(!isProblem(await show(cookie)))
    state.now += 4 * hour
    await isOver(show(cookie))
  })

  test('of many requests at once one writes that it was used, and seldom', async () => {
    const { begin, show, state, counts, rows, only } = world()
    const cookie = await begin(proven)
    await show(cookie)
    state.now += 30_000
    await show(cookie)
    assert.equal(counts.writes, 0)
    state.now += 60_000
    await Promise.all(Array.from({ length: 20 }, () => show(cookie)))
    assert.equal(counts.writes, 1)
    assert.equal(rows.get(only())!.expiresAt, state.now + hour)
  })

  test('whose use could not be written down is read again', async () => {
    const { begin, show, state, counts } = world()
    const cookie = await begin(proven)
    await show(cookie)
    state.now += 120_000
    state.failing = true
    await assert.rejects(async () => show(cookie), /disk is full/)
    state.failing = false
    await show(cookie)
    assert.deepEqual(counts, { reads: 2, writes: 1 })
  })

  test('ends with the token that it began with, also in memory', async () => {
    const { begin, show, state, rows } = world()
    const cookie = await begin({ ...proven, until: state.now + 1000 })
    assert.ok(!isProblem(await show(cookie)))
    state.now += 1000
    await isOver(show(cookie))
    assert.equal(rows.size, 0)
  })

  test('ends after 12 hours, however much it is used', async () => {
    const { begin, show, state, rows } = world()
    const cookie = await begin(proven)
    for (const end = state.now + 12 * hour; state.now < end; state.now += hour / 3)
      assert.ok(!isProblem(await show(cookie)))
    await isOver(show(cookie))
    assert.equal(rows.size, 0)
  })

  test('ends with the password that it began with, also in memory', async () => {
    for (const changed of [undefined, { ...user, content: { password: 'another' } }]) {
      const { begin, show, state, rows } = world()
      const cookie = await begin({ ...proven, by: 'password', proof: proofOf(user) })
      assert.ok(!isProblem(await show(cookie)))
      state.user = changed
      await isOver(show(cookie))
      assert.equal(rows.size, 0)
    }
  })

  test('of a token that is bound to a certificate is good with that one alone, also from memory', async () => {
    const { begin, show, rows } = world()
    const thumbprint = 'A'.repeat(43)
    const claims = { cnf: { 'x5t#S256': thumbprint } }
    const cookie = await begin({ ...proven, principal: { ...proven.principal, claims } })
    for (let i = 0; i < 2; i++) {
      assert.ok(!isProblem(await show(cookie, thumbprint)))
      for (const other of [undefined, 'B'.repeat(43)]) await isOver(show(cookie, other))
    }
    // It is not over for whoever has the certificate.
    assert.equal(rows.size, 1)
  })
})
