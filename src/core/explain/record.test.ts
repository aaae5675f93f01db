import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Problem } from '../problem.ts'
import { markChecks, type RequestFacts, recordRefusal } from './record.ts'
import { redact } from './redact.ts'

const facts: RequestFacts = {
  correlationId: 'c-1',
  callerCorrelationId: 'theirs',
  tenantId: 't-1',
  at: 1_700_000_000_000,
  surface: 'flow',
  method: 'POST',
  path: '/http/orders',
  source: '203.0.113.1',
  listener: 'public',
  status: 401,
}
const secret = `csec_${'aB3-_'.repeat(9).slice(0, 43)}`
const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl'

test('a record says what was asked, what was checked, why not, and what to do', () => {
  const problem = new Problem('invalid_token', 'the access token is not valid', {
    check: 'second',
    reason: 'expired 5 s ago',
    hint: 'Fetch a new one.',
    subject: { clientId: 'me', credentialId: 'cred' },
  })
  assert.deepEqual(recordRefusal(problem, facts, ['first', 'second', 'third']), {
    id: 'c-1',
    callerCorrelationId: 'theirs',
    tenantId: 't-1',
    at: 1_700_000_000_000,
    surface: 'flow',
    method: 'POST',
    path: '/http/orders',
    source: '203.0.113.1',
    listener: 'public',
    status: 401,
    code: 'invalid_token',
    reason: 'expired 5 s ago',
    hint: 'Fetch a new one.',
    clientId: 'me',
    credentialId: 'cred',
    checks: [
      { name: 'first', outcome: 'passed' },
      { name: 'second', outcome: 'failed' },
      { name: 'third', outcome: 'not reached' },
    ],
  })
})

test('checks before the failed one passed, those after it were not reached', () => {
  const outcomes = (failed: string | undefined) =>
    markChecks(['a', 'b', 'c'], failed).map(check => check.outcome)
  assert.deepEqual(outcomes('a'), ['failed', 'not reached', 'not reached'])
  assert.deepEqual(outcomes('c'), ['passed', 'passed', 'failed'])
  assert.deepEqual(outcomes(undefined), ['passed', 'passed', 'passed'])
  assert.deepEqual(markChecks(['a', 'b'], 'of another procedure'), [
    { name: 'of another procedure', outcome: 'failed' },
  ])
})

test('what a stranger sends is cut short', () => {
  const problem = new Problem('not_found', 'nothing here', { subject: { clientId: 'x'.repeat(5000) } })
  const record = recordRefusal(problem, { ...facts, path: `/${'y'.repeat(5000)}` }, [])
  assert.equal(record.clientId?.length, 200)
  assert.equal(record.path.length, 500)
})

test('a credential in the place of a name is not written down', () => {
  for (const credential of [secret, jwt, `cst_${'x'.repeat(120)}`]) {
    const problem = new Problem('bad_credentials', 'no', {
      reason: `grant_type is "${credential}"`,
      subject: { clientId: credential },
    })
    const record = recordRefusal(problem, { ...facts, path: `/http/${credential}/x` }, [])
    assert.ok(!JSON.stringify(record).includes(credential.slice(0, 14)))
    assert.equal(record.clientId, '(a credential)')
    assert.equal(record.path, '/http/(a credential)/x')
    assert.equal(record.reason, 'grant_type is "(a credential)"')
  }
})

test('a credential that was cut short on the way is taken out, too', () => {
  for (const credential of [secret, jwt])
    assert.equal(redact(`is "${credential.slice(0, 30)}`), 'is "(a credential)')
})

test('what is no credential stays readable', () => {
  for (const text of [
    'sb-4b8533a8-2829-4b71-880b-6313d22a132a!b1|it-rt-default!b1',
    'no flow is deployed at /http/orders',
    'csec_',
    'the eye of the beholder',
    'http://127.0.0.1:9000: connect ECONNREFUSED 127.0.0.1:9000',
  ])
    assert.equal(redact(text), text)
})
