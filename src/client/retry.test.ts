import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TokenErrorCode } from './errors.ts'
import { TokenError } from './errors.ts'
import { parseRetryAfter, retryDelay, waitByTimer, withRetry } from './retry.ts'

const answered = (status: number, retryAfterMs?: number) =>
  new TokenError(status >= 500 || status === 408 || status === 429 ? 'unavailable' : 'refused', '', {
    status,
    retryAfterMs,
  })
const unanswered = (code: TokenErrorCode) => new TokenError(code, '')
const delays = (error: TokenError, random = 0) =>
  [1, 2, 3].map(tries => retryDelay(error, tries, () => random))

test('a lost connection, a timeout, 408, 502 and 504 are tried three times, after 300 and 600 ms', () => {
  for (const error of [
    unanswered('unavailable'),
    unanswered('timeout'),
    answered(408),
    answered(502),
    answered(504),
  ]) {
    assert.deepEqual(delays(error), [300, 600, undefined], `${error.code} ${error.status}`)
  }
})

test('500 and 503 are tried three times, after 1 and 3 s', () => {
  assert.deepEqual(delays(answered(500)), [1000, 3000, undefined])
  assert.deepEqual(delays(answered(503)), [1000, 3000, undefined])
})

test('429 is tried three times, after what Retry-After says, at most 60 s', () => {
  assert.deepEqual(delays(answered(429, 2000)), [2000, 2000, undefined])
  assert.deepEqual(delays(answered(429, 0)), [0, 0, undefined])
  assert.deepEqual(delays(answered(429, 86_400_000)), [60_000, 60_000, undefined])
  assert.deepEqual(delays(answered(429)), [1000, 3000, undefined], 'without Retry-After')
})

test('Retry-After of a 503 lengthens the wait but does not shorten it', () => {
  assert.deepEqual(delays(answered(503, 2000)), [2000, 3000, undefined])
})

test('refusals, other statuses and unusable answers are never tried again', () => {
  for (const status of [400, 401, 403, 404, 501, 505])
    assert.equal(
      retryDelay(answered(status), 1, () => 0),
      undefined,
    )
  for (const code of ['invalid_response', 'untrusted', 'aborted', 'invalid_configuration'] as const) {
    assert.equal(
      retryDelay(unanswered(code), 1, () => 0),
      undefined,
      code,
    )
  }
  const brokenAnswer = new TokenError('invalid_response', '', { status: 200 })
  assert.equal(
    retryDelay(brokenAnswer, 1, () => 0),
    undefined,
  )
})

test('waits are stretched at random by up to a quarter', () => {
  assert.deepEqual(delays(answered(502), 0.5), [338, 675, undefined])
})

test('Retry-After is read as seconds or as an HTTP date', () => {
  const now = Date.UTC(2030, 0, 1, 12, 0, 0)
  assert.equal(parseRetryAfter('120', now), 120_000)
  assert.equal(parseRetryAfter('Tue, 01 Jan 2030 12:00:30 GMT', now), 30_000)
  assert.equal(parseRetryAfter('Tue, 01 Jan 2030 11:00:00 GMT', now), 0, 'a date gone by')
})

test('a Retry-After that is neither is ignored', () => {
  for (const value of [
    undefined,
    '',
    '-5',
    '1.5',
    'soon',
    '2030-01-01',
    'Tue Jan  1 12:00:30 2030',
    'Tue, nonsense GMT',
  ]) {
    assert.equal(parseRetryAfter(value, 0), undefined, String(value))
  }
})

test('what is no TokenError is thrown on at once', async () => {
  let tries = 0
  const attempt = async () => {
    tries += 1
    throw new RangeError('a bug')
  }
  await assert.rejects(withRetry(attempt, { wait: async () => {}, random: () => 0 }), RangeError)
  assert.equal(tries, 1)
})

test('the real wait ends at once when its signal fires', async () => {
  const controller = new AbortController()
  const waiting = waitByTimer(60_000, controller.signal)
  controller.abort()
  await assert.rejects(waiting, { code: 'aborted' })
  await assert.rejects(waitByTimer(60_000, AbortSignal.abort()), { code: 'aborted' })
  await waitByTimer(0)
})
