import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change } from '../store.ts'
import { createRevokedTokens, ownedTokenId } from './revocations.ts'
import type { Revocation } from './store.ts'

function world() {
  const rows: Revocation[] = []
  let tell: (change: Change | undefined) => void = () => {}
  let whileReading: (() => void) | undefined
  const revoked = createRevokedTokens(
    {
      async list(tenantId) {
        const found = rows.filter(row => row.tenantId === tenantId)
        const meanwhile = whileReading
        whileReading = undefined
        meanwhile?.()
        return found
      },
      count: async () => rows.length,
      async insert(row) {
        rows.push(row)
      },
      async deleteOf() {},
      async deleteOlderThan() {},
    },
    {
      upToDate: () => true,
      onChange(listener) {
        tell = listener
      },
    },
  )
  const revoke = (tokenId: string, tenantId = 't1') => {
    rows.push({ tenantId, tokenId, credentialId: 'c', keepUntil: 1 })
    tell({ kind: 'revocation', tenantId, id: tokenId })
  }
  return {
    revoked,
    revoke,
    rows,
    tell: (change: Change | undefined) => tell(change),
    duringNextRead(work: () => void) {
      whileReading = work
    },
  }
}

const token = (tokenId: string, credentialId = 'c') => ({ tokenId, credentialId })

test('a token revoked by its id is revoked for the credential that named it, and for no other', async () => {
  const { revoked, revoke } = world()
  await revoked.load('t1')
  revoke(ownedTokenId('c', 'a'))
  assert.equal(revoked.has('t1', token('a')), true)
  assert.equal(revoked.has('t1', token('a', 'other')), false)
  assert.equal(revoked.has('t1', token('b')), false)
  assert.equal(revoked.has('t2', token('a')), true, 'not known yet')
})

test('while the list is not known, every token counts as revoked', async () => {
  const { revoked } = world()
  assert.equal(revoked.isLoaded('t1'), false)
  assert.equal(revoked.has('t1', token('a')), true)
  await revoked.load('t1')
  assert.equal(revoked.has('t1', token('a')), false)
  assert.equal(revoked.has('t2', token('a')), true, 'another tenant is not known yet')
})

test('a revocation counts as soon as it is told, in its own tenant', async () => {
  const { revoked, revoke } = world()
  await revoked.load('t1')
  await revoked.load('t2')
  revoke('a')
  assert.equal(revoked.has('t1', token('a')), true)
  assert.equal(revoked.has('t2', token('a')), false)
})

test('a revocation that arrives while the list is read is not lost', async () => {
  const { revoked, revoke, duringNextRead } = world()
  duringNextRead(() => revoke('late'))
  await revoked.load('t1')
  assert.equal(revoked.has('t1', token('late')), true)
})

test('when changes may have been missed, and when many change at once, the list is read anew', async () => {
  const { revoked, rows, tell } = world()
  for (const change of [undefined, { kind: 'revocation', tenantId: 't1', id: '*' } as const]) {
    await revoked.load('t1')
    rows.push({ tenantId: 't1', tokenId: 'missed', credentialId: 'c', keepUntil: 1 })
    tell(change)
    assert.equal(revoked.has('t1', token('missed')), true)
    await revoked.load('t1')
    assert.equal(revoked.has('t1', token('missed')), true)
    rows.length = 0
    tell(undefined)
  }
})
