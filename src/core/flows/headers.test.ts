import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  allowedHeaderSet,
  headersForReceiver,
  headersForSender,
  whyRefused,
  wrongHeaderName,
} from './headers.ts'

const none: ReadonlySet<string> = new Set()

const forbidden = [
  'authorization',
  'proxy-authorization',
  'proxy-connection',
  'proxy-anything',
  'proxy',
  'cookie',
  'connection',
  'transfer-encoding',
  'te',
  'upgrade',
  'trailer',
  'keep-alive',
  'expect',
  'host',
  'content-length',
  'camelhttpuri',
  'camel-http-path',
  'camel',
  'sapauthenticatedusername',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-client-cert',
  'x-forwarded-proto',
  'client-cert',
  'client-cert-chain',
  'x-ssl-client-cert',
  'x-ssl-client-verify',
  'ssl-client-cert',
  'x-csrf-token',
  'x-correlation-id',
]

test('of the caller, only what describes the body and the wanted answer goes on', () => {
  const sent = [
    'Host',
    'h',
    'Content-Type',
    'a/b',
    'content-encoding',
    'gzip',
    'Content-Language',
    'de',
    'ACCEPT',
    '*/*',
  ]
  const other = [
    'User-Agent',
    'curl',
    'X-Source',
    'erp',
    'Content-Length',
    '3',
    'Authorization',
    'Bearer x',
    'Accept-Encoding',
    'br',
  ]
  assert.deepEqual(headersForReceiver([...sent, ...other], none), sent.slice(2))
})

test('what a flow allows goes on too, each time it was sent, without regard to case', () => {
  const allowed = allowedHeaderSet(['X-Source', 'If-Match'])
  const sent = ['x-source', '1', 'X-SOURCE', '2', 'x_source', '3', 'If-Match', '"a"', 'X-Sourc', '4']
  assert.deepEqual(headersForReceiver(sent, allowed), ['x-source', '1', 'X-SOURCE', '2', 'If-Match', '"a"'])
})

test('what Connection names stays behind, even what would always pass', () => {
  const sent = [
    'Connection',
    'keep-alive, X-Source ,ACCEPT',
    'x-source',
    '1',
    'Accept',
    'a/b',
    'Content-Type',
    'a/b',
  ]
  assert.deepEqual(headersForReceiver(sent, allowedHeaderSet(['x-source'])), ['Content-Type', 'a/b'])
  assert.deepEqual(headersForSender(['connection', 'x-hop', 'X-Hop', '1', 'X-Kept', '2']), ['X-Kept', '2'])
})

test('a flow that allows a header which never passes is refused with the reason', () => {
  for (const name of forbidden)
    assert.match(wrongHeaderName(name) ?? '', /never passes, leave it out: ./, name)
  assert.match(wrongHeaderName('Authorization') ?? '', /receiver\.credential/)
  for (const name of ['*', 'x-*', '', 'a b', 'a:b', 'a\r\nb', 'x-ä', 'a'.repeat(201)])
    assert.match(wrongHeaderName(name) ?? '', /no header name/, name)
  for (const name of ['content_type', 'Content_Encoding', 'content.type'])
    assert.match(wrongHeaderName(name) ?? '', /take it for content-/, name)
  for (const name of [
    'X-Source',
    'if-match',
    'Content-Type',
    'x_source',
    'SOAPAction',
    'hostname',
    'test',
    'x-camel',
  ])
    assert.equal(wrongHeaderName(name), undefined, name)
})

const variant = fc.constantFrom(...forbidden).chain(name =>
  fc
    .array(fc.tuple(fc.boolean(), fc.constantFrom('-', '_')), {
      minLength: name.length,
      maxLength: name.length,
    })
    .map(how =>
      [...name]
        .map((char, at) => (char === '-' ? how[at]![1] : how[at]![0] ? char.toUpperCase() : char))
        .join(''),
    ),
)

test('no spelling of a forbidden header passes, even when it was allowed', () => {
  fc.assert(
    fc.property(fc.array(variant), fc.array(fc.constantFrom('Content-Type', 'X-Mine')), (bad, good) => {
      const names = [...bad, ...good]
      const sent = names.flatMap(name => [name, 'v'])
      const allowed = new Set([...names.map(name => name.toLowerCase()), ...forbidden])
      const passed = headersForReceiver(sent, allowed).filter((_, at) => at % 2 === 0)
      assert.deepEqual(
        passed,
        names.filter(name => good.includes(name as 'X-Mine')),
      )
      for (const name of bad) assert.ok(whyRefused(name), name)
      assert.deepEqual([...allowedHeaderSet(bad)], [])
    }),
    { numRuns: 1000 },
  )
})

test('whatever is sent and allowed, a header passes only by its own name, with its own value', () => {
  const name = fc.stringMatching(/^[A-Za-z_-]{1,12}$/)
  const headers = fc.array(fc.tuple(fc.oneof(name, variant), fc.string()), { maxLength: 10 })
  fc.assert(
    fc.property(headers, fc.array(fc.oneof(name, variant)), (sent, allowed) => {
      const passed = headersForReceiver(sent.flat(), allowedHeaderSet(allowed))
      for (let at = 0; at < passed.length; at += 2) {
        const lower = passed[at]!.toLowerCase()
        const always = ['content-type', 'content-encoding', 'content-language', 'accept'].includes(lower)
        assert.ok(always || allowed.some(each => each.toLowerCase() === lower), lower)
        assert.equal(whyRefused(lower), undefined)
        assert.ok(sent.some(([n, v]) => n === passed[at] && v === passed[at + 1]))
      }
    }),
    { numRuns: 1000 },
  )
})

test('of the receiver, what is about the connection, its sessions or the origin stays behind', () => {
  const back = [
    'Content-Type',
    'a/b',
    'Content-Length',
    '3',
    'Date',
    'd',
    'ETag',
    '"e"',
    'Location',
    '/x',
    'X-Any',
    '1',
  ]
  const dropped = [
    ...['Connection', 'Keep-Alive', 'Transfer-Encoding', 'TE', 'Trailer', 'Upgrade', 'Proxy-Authenticate'],
    ...['Set-Cookie', 'set-cookie', 'Server', 'WWW-Authenticate', 'X-Correlation-Id', 'X-CSRF-Token'],
    ...['Strict-Transport-Security', 'X-Content-Type-Options', 'Access-Control-Allow-Origin', 'Alt-Svc'],
  ]
  assert.deepEqual(headersForSender([...dropped.flatMap(name => [name, 'v']), ...back]), back)
})
