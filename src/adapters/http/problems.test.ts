import assert from 'node:assert/strict'
import { validateHeaderValue } from 'node:http'
import { test } from 'node:test'
import { Problem, type ProblemCode } from '../../core/problem.ts'
import { adminProblem, oauthProblem, type Renderer, resourceProblem } from './problems.ts'

const envelope = { correlationId: 'c-1' }
const render = (renderer: Renderer, code: ProblemCode, more = {}) =>
  renderer(new Problem(code, 'what the caller learns', more), envelope, 'default')

const details = { reason: 'only for the operator', hint: 'what to do', check: 'a check' }

test('the caller of a protected resource or of the token server learns code, description and id, no more', () => {
  for (const renderer of [resourceProblem, oauthProblem])
    for (const code of [
      'invalid_token',
      'insufficient_scope',
      'internal',
      'receiver_failed',
      'not_found',
    ] as const) {
      const { body, headers } = render(renderer, code, details)
      assert.deepEqual(Object.keys(body), ['error', 'error_description', 'correlation_id'])
      assert.equal(body.error_description, 'what the caller learns')
      assert.equal(body.correlation_id, 'c-1')
      const all = JSON.stringify([body, headers])
      assert.doesNotMatch(all, /operator|what to do|a check/)
      assert.equal(headers['Cache-Control'], 'no-store')
    }
})

test('missing credentials get a challenge without an error code, all others their code (RFC 6750 section 3.1)', () => {
  const challenge = (code: ProblemCode) => render(resourceProblem, code).headers['WWW-Authenticate']
  assert.equal(challenge('no_credentials'), 'Bearer realm="default"')
  assert.equal(
    challenge('invalid_token'),
    'Bearer realm="default", error="invalid_token", error_description="what the caller learns"',
  )
  assert.match(challenge('insufficient_scope') ?? '', /error="insufficient_scope"/)
  assert.equal(challenge('bad_credentials'), 'Basic realm="default", charset="UTF-8", Bearer realm="default"')
  for (const code of [
    'not_found',
    'csrf_required',
    'invalid_request',
    'receiver_failed',
    'internal',
  ] as const)
    assert.equal(challenge(code), undefined, code)
})

test('statuses tell what to do next: other credentials, other rights, later, never', () => {
  for (const [code, status] of [
    ['no_credentials', 401],
    ['bad_credentials', 401],
    ['invalid_token', 401],
    ['insufficient_scope', 403],
    ['csrf_required', 403],
    ['not_found', 404],
    ['method_not_allowed', 405],
    ['payload_too_large', 413],
    ['too_many_failures', 429],
    ['receiver_unreachable', 502],
    ['receiver_failed', 502],
    ['receiver_timeout', 504],
    ['unavailable', 503],
  ] as const)
    assert.equal(render(resourceProblem, code).status, status, code)
})

test('the admin API tells the operator what to do, but nothing to whom it does not know', () => {
  assert.equal(render(adminProblem, 'conflict', details).body.hint, 'what to do')
  assert.equal(render(adminProblem, 'insufficient_scope', details).body.hint, 'what to do')
  for (const code of ['no_credentials', 'bad_credentials', 'invalid_token', 'internal'] as const)
    assert.equal(render(adminProblem, code, details).body.hint, undefined, code)
  assert.equal(render(adminProblem, 'conflict').body.hint, undefined)
  for (const code of ['no_credentials', 'bad_credentials'] as const)
    assert.equal(render(adminProblem, code).headers['WWW-Authenticate'], 'Bearer realm="default"')
})

test('the token server asks for Basic and speaks the codes of OAuth', () => {
  assert.match(
    render(oauthProblem, 'invalid_client').headers['WWW-Authenticate'] ?? '',
    /^Basic realm="default"/,
  )
  assert.equal(render(oauthProblem, 'no_credentials').body.error, 'invalid_client')
  assert.equal(render(oauthProblem, 'invalid_scope').status, 400)
  assert.equal(render(oauthProblem, 'invalid_scope').headers['WWW-Authenticate'], undefined)
  assert.equal(render(oauthProblem, 'internal').body.error, 'server_error')
})

test('how long to wait is said where waiting helps', () => {
  assert.equal(render(resourceProblem, 'too_many_failures', { retryAfter: 42 }).headers['Retry-After'], '42')
  assert.equal(render(resourceProblem, 'unavailable').headers['Retry-After'], '1')
  assert.equal(render(resourceProblem, 'not_found').headers['Retry-After'], undefined)
})

test('headers are fit to be sent', () => {
  for (const renderer of [resourceProblem, oauthProblem, adminProblem])
    for (const code of ['no_credentials', 'bad_credentials', 'invalid_token', 'insufficient_scope'] as const)
      for (const [name, value] of Object.entries(render(renderer, code).headers))
        validateHeaderValue(name, value)
})
