import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { isProblem } from '../problem.ts'
import {
  checkCsrf,
  csrfValidity,
  fetchesCsrf,
  formatCsrfCookie,
  issueCsrf,
  modifies,
  parseCsrfCookie,
} from './csrf.ts'

const binding = {
  key: randomBytes(32),
  callerId: 'credential-1',
  flowId: 'orders',
  session: randomBytes(16).toString('base64url'),
  now: Date.UTC(2030, 0, 1),
}
const token = issueCsrf(binding)

function refusal(changed: Parameters<typeof checkCsrf>[0]): string {
  const problem = checkCsrf(changed)
  assert.ok(isProblem(problem))
  assert.equal(problem.code, 'csrf_required')
  assert.match(problem.description, /^[ !#-[\]-~]+$/)
  return problem.reason
}

test('a token is good for its caller, flow and session for 30 minutes', () => {
  assert.equal(checkCsrf({ ...binding, token }), undefined)
  assert.equal(checkCsrf({ ...binding, token, now: binding.now + csrfValidity - 1 }), undefined)
  assert.match(refusal({ ...binding, token, now: binding.now + csrfValidity }), /older than 30 minutes/)
})

test('a token is worthless to another caller, at another flow, in another session, under another key', () => {
  const others = [
    { callerId: 'credential-2' },
    { flowId: 'Orders' },
    { session: 'x'.repeat(22) },
    { key: randomBytes(32) },
  ]
  for (const other of others) assert.match(refusal({ ...binding, token, ...other }), /not issued for/)
  const shifted = { callerId: 'credential-1","orders', flowId: '' }
  assert.match(refusal({ ...binding, token, ...shifted }), /not issued for/)
})

test('a request without a token or without its session is told which one is missing', () => {
  for (const missing of [undefined, '']) {
    assert.match(refusal({ ...binding, token: missing }), /no X-CSRF-Token/)
    assert.match(refusal({ ...binding, token, session: missing }), /cookie/)
  }
})

test('a changed token is refused', () => {
  const [expires, signature] = token.split('.')
  const later = (Number.parseInt(expires!, 36) + csrfValidity).toString(36)
  const changed = [
    `${later}.${signature}`,
    `${expires}.`,
    `.${signature}`,
    `${expires}.${signature}=`,
    `${expires}.${signature!.slice(0, -1)}`,
    `${expires!.toUpperCase()}.${signature}`,
    `0${token}`,
    `${token}.`,
    `${token} `,
    'Fetch',
    '.',
    'x',
  ]
  for (const each of changed) assert.match(refusal({ ...binding, token: each }), /not issued for/, each)
})

test('GET and HEAD with Fetch ask for a token, all other methods need one', () => {
  assert.ok(fetchesCsrf('GET', 'Fetch') && fetchesCsrf('HEAD', 'fetch'))
  assert.ok(!fetchesCsrf('POST', 'Fetch') && !fetchesCsrf('GET', undefined) && !fetchesCsrf('GET', token))
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'get']) assert.ok(modifies(method), method)
  assert.ok(!modifies('GET') && !modifies('HEAD'))
})

test('the session cookie comes back as it was set', () => {
  const cookie = formatCsrfCookie(binding.session)
  assert.equal(cookie, `countersign-csrf=${binding.session}; HttpOnly; Secure; SameSite=Strict; Path=/http`)
  assert.match(formatCsrfCookie(binding.session, '/tenants/acme/http'), /; Path=\/tenants\/acme\/http$/)
  assert.equal(parseCsrfCookie(cookie.split(';')[0]), binding.session)
  assert.equal(parseCsrfCookie(`a=b; countersign-csrf=${binding.session};c=d`), binding.session)
})

test('a session cookie that is missing, malformed or there twice is none', () => {
  const own = `countersign-csrf=${binding.session}`
  const bad = [
    undefined,
    '',
    'a=b',
    'countersign-csrf=',
    `${own}x`,
    `x${own}`,
    `${own}; ${own}`,
    `Countersign-CSRF=${binding.session}`,
    'countersign-csrf="aaaaaaaaaaaaaaaaaaaa"',
  ]
  for (const header of bad) assert.equal(parseCsrfCookie(header), undefined, header)
})
