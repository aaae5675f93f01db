import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFailureCounter, failuresPerMinute } from './failures.ts'

const start = Date.UTC(2030, 0, 1)
const failTwenty = (counter: ReturnType<typeof createFailureCounter>, now = start) => {
  for (let i = 0; i < failuresPerMinute; i++)
    assert.equal(counter.failed('10.0.0.1', 'client', now), undefined)
}

test('from the 21st failure within a minute on, there is a time to wait: until the minute is over', () => {
  const counter = createFailureCounter()
  failTwenty(counter)
  assert.equal(counter.failed('10.0.0.1', 'client', start + 1), 60)
  assert.equal(counter.failed('10.0.0.1', 'client', start + 30_500), 30)
  assert.equal(counter.failed('10.0.0.1', 'client', start + 59_999), 1)
})

test('a minute after the first failure it starts anew', () => {
  const counter = createFailureCounter()
  failTwenty(counter)
  assert.equal(counter.failed('10.0.0.1', 'client', start + 60_000), undefined)
  failTwenty(createFailureCounter(), start + 60_000)
})

test('another source and another client have their own count', () => {
  const counter = createFailureCounter()
  failTwenty(counter)
  assert.equal(counter.failed('10.0.0.2', 'client', start), undefined)
  assert.equal(counter.failed('10.0.0.1', 'client2', start), undefined)
  assert.notEqual(counter.failed('10.0.0.1', 'client', start), undefined)
})

test('failures that another process counted are counted too', () => {
  const keys: string[] = []
  const here = createFailureCounter()
  const there = createFailureCounter(key => keys.push(key))
  failTwenty(there)
  assert.equal(keys.length, failuresPerMinute)
  for (const key of keys) here.add(key, 1, start)
  assert.equal(here.failed('10.0.0.1', 'client', start), 60)
})

test('a flood of made-up ids does not make it forget the latest, nor grow without bound', () => {
  const counter = createFailureCounter()
  for (let i = 0; i < 60_000; i++) counter.failed('10.0.0.9', `made-up-${i}`, start)
  failTwenty(counter)
  assert.equal(counter.failed('10.0.0.1', 'client', start), 60)
})

test('an endless client id takes no more room than a long one', () => {
  const keys: string[] = []
  createFailureCounter(key => keys.push(key)).failed('10.0.0.1', 'x'.repeat(100_000), start)
  assert.ok(keys[0]!.length < 300)
})

test('whether a further failure would be one too many can be asked without counting', () => {
  const counter = createFailureCounter()
  const ask = (now: number) => counter.waitsFor('10.0.0.1', 'client', now)
  assert.equal(ask(start), undefined)
  failTwenty(counter)
  assert.equal(ask(start + 500), 60)
  assert.equal(ask(start + 500), 60)
  assert.equal(counter.waitsFor('10.0.0.2', 'client', start), undefined)
  assert.equal(ask(start + 60_000), undefined)
})
