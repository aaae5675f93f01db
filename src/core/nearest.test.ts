import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nearestName } from './nearest.ts'

const roles = ['ESBMessaging.send', 'Orders.send', 'Orders.read']

test('the candidate that is spelt most like the name is found', () => {
  for (const [name, expected] of [
    ['Orders.sent', 'Orders.send'],
    ['Order.send', 'Orders.send'],
    ['Orders.raed', 'Orders.read'],
    ['ORDERS.SEND', 'Orders.send'],
    ['ESBmessaging.send', 'ESBMessaging.send'],
    ['ESBMessagingsend', 'ESBMessaging.send'],
    ['Orders.send', 'Orders.send'],
  ] as const)
    assert.equal(nearestName(name, roles), expected, name)
})

test('what is far from every candidate has no nearest one', () => {
  for (const name of ['Invoices.pay', 'x', '', 'Orders.send.and.much.more.than.that'])
    assert.equal(nearestName(name, roles), undefined, name)
  assert.equal(nearestName('Orders.send', []), undefined)
})

test('short names are compared, too', () => {
  assert.equal(nearestName('role', ['roles', 'dialect']), 'roles')
  assert.equal(nearestName('nmae', ['name', 'node']), 'name')
  assert.equal(nearestName('id', ['ip']), 'ip')
})

test('of equally near ones the first is taken', () => {
  assert.equal(nearestName('Orders.sea', ['Orders.see', 'Orders.seb']), 'Orders.see')
})

test('it finds any name after one slip of the keyboard', () => {
  const name = fc.stringMatching(/^[A-Za-z]{6,20}$/)
  fc.assert(
    fc.property(name, fc.nat(), fc.constantFrom('drop', 'double', 'swap'), (right, place, slip) => {
      const at = place % (right.length - 1)
      const [a, b] = [right[at]!, right[at + 1]!]
      const wrong = { drop: b, double: a + a + b, swap: b + a }[slip]
      const typed = right.slice(0, at) + wrong + right.slice(at + 2)
      assert.equal(nearestName(typed, [right, '0'.repeat(6)]), right)
    }),
    { numRuns: 300 },
  )
})
