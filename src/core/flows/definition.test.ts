import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { isProblem } from '../problem.ts'
import { type FlowDefinition, flowSchema, formatFlow, nearestName, parseFlow } from './definition.ts'

const least = {
  id: 'orders',
  sender: { adapter: 'HTTPS', address: '/orders' },
  receiver: { adapter: 'HTTP', url: 'http://127.0.0.1:9000/orders' },
}

const whole = {
  id: 'orders',
  name: 'Orders intake',
  node: 'acme.hcioem',
  sender: {
    adapter: 'HTTPS',
    address: '/orders/*',
    authorization: { userRole: 'Orders.send' },
    csrf: true,
    maxBodyMB: 1024,
    allowedHeaders: ['X-Source', 'If-Match'],
  },
  steps: [
    { setHeader: { name: 'X-Source', value: 'erp' } },
    { removeHeader: 'accept' },
    { setQuery: { name: 'a', value: '' } },
  ],
  receiver: {
    adapter: 'HTTP',
    url: 'https://erp.example/api?client=100',
    credential: 'erp',
    timeoutSeconds: 5,
  },
}

function flow(input: unknown): FlowDefinition {
  const parsed = parseFlow(input)
  if (isProblem(parsed)) throw new Error(parsed.description)
  return parsed
}

function refusal(input: unknown): string {
  const parsed = parseFlow(input)
  assert.ok(isProblem(parsed), JSON.stringify(input))
  assert.equal(parsed.code, 'invalid_input')
  assert.match(parsed.description, /^[ !#-[\]-~]+$/)
  return parsed.description
}

const withSender = (changed: object) => ({ ...least, sender: { ...least.sender, ...changed } })
const withReceiver = (changed: object) => ({ ...least, receiver: { ...least.receiver, ...changed } })

test('a flow file needs an id, a sender and a receiver; the rest has defaults', () => {
  assert.deepEqual(flow(least), {
    id: 'orders',
    name: 'orders',
    node: 'default.iflmap',
    sender: {
      adapter: 'HTTPS',
      address: '/orders',
      authorization: { userRole: 'ESBMessaging.send' },
      csrf: false,
      maxBodyMB: 40,
      allowedHeaders: [],
    },
    steps: [],
    receiver: { adapter: 'HTTP', url: 'http://127.0.0.1:9000/orders', timeoutSeconds: 60 },
    warnings: [],
  })
  assert.deepEqual(flow(withSender({ authorization: {} })), flow(least))
})

test('what a flow file says is kept as written', () => {
  assert.deepEqual(flow(whole), { ...whole, warnings: [] })
})

test('a stored definition reads back as it was', () => {
  for (const each of [flow(least), flow(whole)]) assert.deepEqual(flow(JSON.parse(formatFlow(each))), each)
})

test('the second spelling of the predefined role is read as that role, with a warning', () => {
  const read = flow(withSender({ authorization: { userRole: 'ESBmessaging.send' } }))
  assert.deepEqual(read.sender.authorization, { userRole: 'ESBMessaging.send' })
  assert.match(
    read.warnings.join(),
    /^sender\.authorization\.userRole: ESBmessaging\.send is read as ESBMessaging\.send/,
  )
  assert.deepEqual(flow(JSON.parse(formatFlow(read))), { ...read, warnings: [] })
  assert.deepEqual(
    flow(withSender({ authorization: { userRole: 'esbmessaging.send' } })).sender.authorization,
    { userRole: 'esbmessaging.send' },
  )
})

test('a wrong member is refused with its place and what to write instead', () => {
  const bad: [unknown, RegExp][] = [
    [null, /^flow file: write a mapping/],
    [undefined, /^flow file: is missing/],
    [[], /^flow file: write a mapping/],
    ['id: orders', /^flow file: write a mapping/],
    [{ ...least, id: undefined }, /^id: is missing, write orders/],
    [{ ...least, id: 7 }, /^id: write orders \(in quotes/],
    [{ ...least, id: 'a b' }, /^id: write 1 to 80/],
    [{ ...least, id: 'a'.repeat(81) }, /^id: /],
    [{ ...least, id: '..' }, /^id: /],
    [{ ...least, id: '' }, /^id: /],
    [{ ...least, name: '' }, /^name: /],
    [{ ...least, name: 'a\nb' }, /^name: /],
    [{ ...least, node: 'default' }, /^node: .*iflmap or hcioem/],
    [{ ...least, node: 'iflmap' }, /^node: /],
    [{ ...least, node: 'x.tmn' }, /^node: /],
    [{ ...least, sender: undefined }, /^sender: is missing, write \{ adapter: HTTPS, address: \/orders \}/],
    [{ ...least, receiver: null }, /^receiver: write \{ adapter: HTTP/],
    [withSender({ adapter: 'https' }), /^sender\.adapter: write HTTPS/],
    [withSender({ adapter: 'SOAP' }), /^sender\.adapter: write HTTPS/],
    [withSender({ address: 'orders' }), /^sender\.address: .*begin with \//],
    [withSender({ address: undefined }), /^sender\.address: is missing, write \/orders/],
    [withSender({ authorization: null }), /^sender\.authorization: write \{ userRole: ESBMessaging\.send \}/],
    [withSender({ authorization: { userRole: 'a b' } }), /^sender\.authorization\.userRole: /],
    [
      withSender({ authorization: { role: 'x' } }),
      /^sender\.authorization: role is no known member, write userRole/,
    ],
    [withSender({ csrf: 'yes' }), /^sender\.csrf: write true or false/],
    [withSender({ maxBodyMB: 0 }), /^sender\.maxBodyMB: write a whole number from 1 to 1024/],
    [withSender({ maxBodyMB: 1025 }), /1 to 1024/],
    [withSender({ maxBodyMB: 1.5 }), /1 to 1024/],
    [withSender({ maxBodyMB: '40' }), /1 to 1024/],
    [withSender({ maxBodyMB: Number.NaN }), /1 to 1024/],
    [withSender({ allowedHeaders: 'X-Source' }), /^sender\.allowedHeaders: write \[X-Source\]/],
    [withSender({ allowedHeaders: ['*'] }), /^sender\.allowedHeaders\[0\]: is no header name/],
    [
      withSender({ allowedHeaders: ['A', 'X_Forwarded-For'] }),
      /^sender\.allowedHeaders\[1\]: this header never passes/,
    ],
    [withSender({ allowedHeaders: ['Cookie'] }), /never passes/],
    [{ ...least, steps: null }, /^steps: write \[\]/],
    [
      { ...least, steps: [{ setHeader: { name: 'Authorization', value: 'x' } }] },
      /^steps\[0\]\.setHeader\.name: .*credential/,
    ],
    [{ ...least, steps: [{ split: {} }] }, /^steps\[0\]: split is no known member/],
    [
      { ...least, steps: Array(51).fill({ removeHeader: 'a' }) },
      /^steps: has too many entries, write at most 50/,
    ],
    [withReceiver({ adapter: 'HTTPS' }), /^receiver\.adapter: write HTTP$/],
    [withReceiver({ url: 'erp.example/orders' }), /^receiver\.url: write an address with http/],
    [withReceiver({ url: 'ftp://erp.example' }), /^receiver\.url: /],
    [withReceiver({ url: 'http:erp.example' }), /^receiver\.url: /],
    [withReceiver({ url: 'http://' }), /^receiver\.url: /],
    [withReceiver({ url: ' http://erp.example' }), /^receiver\.url: /],
    [withReceiver({ url: 'http://user:pass@erp.example' }), /^receiver\.url: .*credential/],
    [withReceiver({ url: 'http://erp.example/#a' }), /^receiver\.url: .*fragment/],
    [withReceiver({ credential: '' }), /^receiver\.credential: /],
    [withReceiver({ timeoutSeconds: 0 }), /^receiver\.timeoutSeconds: write a whole number from 1 to 3600/],
    [
      withReceiver({ timeout: 5 }),
      /^receiver: timeout is no known member, write adapter or url or credential or timeoutSeconds/,
    ],
    [{ ...least, recevier: {} }, /^flow file: recevier is no known member, the nearest is receiver/],
    [withSender({ adress: '/a' }), /^sender: adress is no known member, the nearest is address/],
  ]
  for (const [input, says] of bad) assert.match(refusal(input), says)
})

test('everything that is wrong is told at once', () => {
  const said = refusal({
    sender: { address: 'orders', crsf: true },
    receiver: { adapter: 'HTTP', url: 'x' },
    note: 1,
  })
  for (const part of [
    /id: is missing/,
    /sender\.adapter: is missing/,
    /sender\.address: /,
    /crsf .* csrf/,
    /receiver\.url: /,
    /note /,
  ])
    assert.match(said, part)
})

test('a file with very many mistakes gets an answer of bounded length', () => {
  const said = refusal({
    ...withSender({ allowedHeaders: Array(100).fill('*') }),
    ...Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`x${n}`, 1])),
  })
  assert.ok(said.length < 4000, `${said.length}`)
  assert.match(said, /and \d+ more/)
})

test('a member named like a built-in one is unknown', () => {
  for (const name of ['__proto__', 'constructor', 'toString'])
    assert.match(
      refusal(JSON.parse(JSON.stringify(least).replace('{', `{"${name}":{"csrf":true},`))),
      /no known member/,
      name,
    )
})

test('no input makes the reader throw, and every refusal is in our words', () => {
  const member = fc.constantFrom(
    'id',
    'name',
    'node',
    'sender',
    'steps',
    'receiver',
    'adapter',
    'address',
    'url',
    'csrf',
  )
  const value = fc.letrec(tie => ({
    any: fc.oneof({ maxDepth: 3 }, fc.jsonValue(), tie('object')),
    object: fc.dictionary(fc.oneof(member, fc.string()), tie('any'), { maxKeys: 5 }),
  }))
  fc.assert(
    fc.property(value.any, input => {
      const said = refusal({ ...least, ...(typeof input === 'object' ? input : {}), extra: input })
      assert.doesNotMatch(said, /Invalid|expected|Unrecognized|Too (big|small)/)
    }),
    { numRuns: 1000 },
  )
})

test('the schema can be shown as JSON Schema', () => {
  const shown = z.toJSONSchema(flowSchema, { io: 'input' })
  assert.deepEqual(shown.required, ['id', 'sender', 'receiver'])
  assert.equal(shown.additionalProperties, false)
})

test('the nearest of several names is found for a misspelled one', () => {
  const roles = ['ESBMessaging.send', 'Orders.send', 'Orders.read']
  assert.equal(nearestName('Order.send', roles), 'Orders.send')
  assert.equal(nearestName('orders.reed', roles), 'Orders.read')
  assert.equal(nearestName('esbmesaging.SEND', roles), 'ESBMessaging.send')
  assert.equal(nearestName('x', []), undefined)
})
