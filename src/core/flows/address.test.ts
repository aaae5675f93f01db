import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isProblem } from '../problem.ts'
import { type Address, buildRoutes, conflict, parseAddress } from './address.ts'

function address(text: string): Address {
  const parsed = parseAddress(text)
  if (isProblem(parsed)) throw new Error(`${text}: ${parsed.description}`)
  return parsed
}

test('an address may use what the described adapter allows', () => {
  const good = [
    '/orders',
    '/test/123',
    '/a_b',
    '/_a',
    '/a~b',
    '/a/~b',
    '/a.b-c',
    '/$orders',
    '/$',
    '/Customer/*',
    '/*',
    '/A/b/C',
  ]
  for (const text of good) assert.ok(!isProblem(parseAddress(text)), text)
  assert.deepEqual(address('/Customer/*'), { text: '/Customer/*', path: '/customer', prefix: true })
  assert.deepEqual(address('/*'), { text: '/*', path: '', prefix: true })
})

test('an address that breaks a rule is refused with that rule', () => {
  const bad: [string, RegExp][] = [
    ['', /begin with \//],
    ['orders', /begin with \//],
    ['*', /begin with \//],
    ['/or ders', /character/],
    ['/orders?x=1', /character/],
    ['/orders#x', /character/],
    ['/%6frders', /character/],
    ['/bestellungen-für', /character/],
    ['/a\\b', /character/],
    ['/orders\n', /character/],
    ['/a$', /\$ only/],
    ['/a/$b', /\$ only/],
    ['/$$', /\$ only/],
    ['/a*', /\* only/],
    ['/*/a', /\* only/],
    ['/a/**', /\* only/],
    ['/*/*', /\* only/],
    ['/.hidden', /not start with/],
    ['/-a', /not start with/],
    ['/~a', /not start with/],
    ['/', /empty segment/],
    ['//', /empty segment/],
    ['//a', /empty segment/],
    ['/a//b', /empty segment/],
    ['/a/', /empty segment/],
    ['/a//*', /empty segment/],
    ['/./a', /\. or \.\./],
    ['/a/../b', /\. or \.\./],
    ['/a/..', /\. or \.\./],
    [`/${'a'.repeat(512)}`, /too long/],
  ]
  for (const [text, says] of bad) {
    const parsed = parseAddress(text)
    assert.ok(isProblem(parsed), text)
    assert.match(parsed.description, says, text)
    assert.match(parsed.description, /^[ !#-[\]-~]+$/, text)
  }
})

test('two flows conflict when their addresses are equal without regard to case or one lies under the other', () => {
  const conflicts = [
    ['/orders', '/Orders'],
    ['/a/*', '/A/*'],
    ['/a/*', '/a/b'],
    ['/a/*', '/A/b/c'],
    ['/a/*', '/a/b/*'],
    ['/*', '/orders'],
    ['/*', '/a/*'],
  ]
  const free = [
    ['/orders', '/orders2'],
    ['/a/*', '/a'],
    ['/a/*', '/ab/c'],
    ['/a/*', '/ab/*'],
    ['/a/b', '/a/c'],
    ['/a', '/a/b'],
  ]
  for (const [a, b] of conflicts) {
    assert.ok(conflict(address(a!), address(b!)), `${a} ${b}`)
    assert.ok(conflict(address(b!), address(a!)), `${b} ${a}`)
  }
  for (const [a, b] of free) {
    assert.ok(!conflict(address(a!), address(b!)), `${a} ${b}`)
    assert.ok(!conflict(address(b!), address(a!)), `${b} ${a}`)
  }
})

function routesOf(...texts: string[]) {
  return buildRoutes(texts.map(text => ({ address: address(text) })))
}

function found(routes: ReturnType<typeof routesOf>, path: string): [string, string] | undefined {
  const match = routes.find(path)
  return match && [match.flow.address.text, match.rest]
}

test('a path finds its flow without regard to case, and the rest keeps its case', () => {
  const routes = routesOf('/Orders', '/Customer/*', '/customer')
  assert.deepEqual(found(routes, '/orders'), ['/Orders', ''])
  assert.deepEqual(found(routes, '/ORDERS'), ['/Orders', ''])
  assert.deepEqual(found(routes, '/CUSTOMER/Abc/dEf'), ['/Customer/*', 'Abc/dEf'])
  assert.deepEqual(found(routes, '/customer/'), ['/Customer/*', ''])
  assert.deepEqual(found(routes, '/Customer'), ['/customer', ''])
  assert.deepEqual(found(routes, '/customer/caf%C3%A9'), ['/Customer/*', 'caf%C3%A9'])
})

test('a path that is not an address finds nothing', () => {
  const routes = routesOf('/orders', '/customer/*', '/a/b/*')
  const paths = [
    '',
    '/',
    'orders',
    '/orders/',
    '/orders/1',
    '/order',
    '/%6frders',
    '/customer',
    '/customers/1',
    '/a/c',
    '/a',
    '/*',
  ]
  for (const path of [
    ...paths,
    '/customer\u0000/x',
    '/orders\u0000',
    'xcustomer/1',
    '/constructor',
    '/__proto__/x',
  ])
    assert.equal(routes.find(path), undefined, path)
})

test('a flow under /* gets every path that no other flow has', () => {
  const routes = routesOf('/*')
  assert.deepEqual(found(routes, '/a/B'), ['/*', 'a/B'])
  assert.deepEqual(found(routes, '/'), ['/*', ''])
  assert.equal(routes.find(''), undefined)
})

const letter = fc.constantFrom('a', 'A', 'b', 'B', 'k', 'K')
const segment = fc.array(letter, { minLength: 1, maxLength: 2 }).map(letters => letters.join(''))
const plain = fc.array(segment, { minLength: 1, maxLength: 4 }).map(segments => `/${segments.join('/')}`)
const anyAddress = fc
  .tuple(fc.oneof(plain, fc.constant('')), fc.boolean())
  .map(([path, star]) => (star || path === '' ? `${path}/*` : path))
const anyPath = fc.oneof(
  fc.tuple(plain, fc.constantFrom('', '/')).map(([path, end]) => path + end),
  fc
    .array(fc.constantFrom('/', 'a', 'B', 'k', '\u212a', '\u0130', 'é', '*', '.'), { maxLength: 8 })
    .map(parts => parts.join('')),
)

/** What `find` promises, without an index: every address tried, exact first, then the longest. */
function naiveFind(texts: readonly string[], path: string): [string, string] | undefined {
  const lower = (text: string) => text.replace(/[A-Z\u212a]/g, capital => capital.toLowerCase())
  const exact = texts.find(text => !text.endsWith('*') && lower(text) === lower(path))
  if (exact) return [exact, '']
  const [longest] = texts
    .filter(text => text.endsWith('*') && lower(path).startsWith(lower(text.slice(0, -1))))
    .toSorted((a, b) => b.length - a.length)
  return longest === undefined ? undefined : [longest, path.slice(longest.length - 1)]
}

test('the routing table finds what trying every address finds', () => {
  const addresses = fc.uniqueArray(anyAddress, { maxLength: 8, selector: text => text.toLowerCase() })
  fc.assert(
    fc.property(addresses, fc.array(anyPath, { maxLength: 10 }), (texts, paths) => {
      const routes = routesOf(...texts)
      for (const path of paths) assert.deepEqual(found(routes, path), naiveFind(texts, path), path)
    }),
    { numRuns: 1000 },
  )
})

test('among flows without a conflict, no path below an address is claimed by two', () => {
  fc.assert(
    fc.property(anyAddress, anyAddress, plain, (a, b, path) => {
      fc.pre(!conflict(address(a), address(b)))
      assert.ok(!(routesOf(a).find(path) && routesOf(b).find(path)))
    }),
    { numRuns: 1000 },
  )
})

test('what parses as an address holds every rule', () => {
  const parts = fc.array(fc.constantFrom('/', 'a', 'Z', '0', '_', '~', '-', '.', '$', '*', ' ', '%'), {
    maxLength: 8,
  })
  fc.assert(
    fc.property(parts, pieces => {
      const text = `/${pieces.join('')}`
      const legal =
        /^\/(\*|\$?([\w][\w~.-]*)?(\/(?!\.{1,2}(\/|$))[\w~.-]+)*(\/\*)?)$/.test(text) &&
        !/^\/(\/|$)/.test(text)
      assert.equal(!isProblem(parseAddress(text)), legal || legalDollar(text), text)
    }),
    { numRuns: 2000 },
  )
})

/** After `$` any of the other characters may come. */
function legalDollar(text: string): boolean {
  return /^\/\$[\w~.-]*(\/(?!\.{1,2}(\/|$))[\w~.-]+)*(\/\*)?$/.test(text)
}
