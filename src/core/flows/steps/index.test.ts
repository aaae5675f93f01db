import assert from 'node:assert/strict'
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileSteps, type Exchange, type StepEntry, stepSchema, steps } from './index.ts'

const exchange: Exchange = {
  method: 'POST',
  headers: ['Accept', 'a/b', 'X-Source', '1', 'x-source', '2'],
  path: '/orders',
  query: 'a=1&b=2',
}

function run(...entries: StepEntry[]): Exchange {
  return compileSteps(entries.map(entry => stepSchema.parse(entry)))(exchange)
}

function messages(entry: unknown): string {
  const read = stepSchema.safeParse(entry)
  assert.ok(!read.success, JSON.stringify(entry))
  return read.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`).join('; ')
}

test('setHeader replaces every header of that name', () => {
  const { headers } = run({ setHeader: { name: 'X-SOURCE', value: 'erp' } })
  assert.deepEqual(headers, ['Accept', 'a/b', 'X-SOURCE', 'erp'])
})

test('removeHeader takes away every header of that name and no value that looks like it', () => {
  assert.deepEqual(run({ removeHeader: 'X-source' }).headers, ['Accept', 'a/b'])
  assert.deepEqual(run({ removeHeader: 'a/b'.slice(0, 1) }).headers, exchange.headers)
  assert.deepEqual(run({ removeHeader: '1' }).headers, exchange.headers)
})

test('setQuery replaces every parameter of that name and leaves the others as they were written', () => {
  const after = (query: string, name: string, value: string) =>
    compileSteps([{ setQuery: { name, value } }])({ ...exchange, query }).query
  assert.equal(after('', 'client', '100'), 'client=100')
  assert.equal(after('a=1&client=1&b=%20+&client', 'client', '2&x=3'), 'a=1&b=%20+&client=2%26x%3D3')
  assert.equal(after('%63lient=1&Client=1&x', 'client', ''), 'Client=1&x&client=')
  assert.equal(after('a+b=1&%zz=1', 'a b', 'é'), '%zz=1&a%20b=%C3%A9')
})

test('steps run in their order and leave the exchange they were given alone', () => {
  const before = structuredClone(exchange)
  const after = run(
    { setHeader: { name: 'A', value: '1' } },
    { removeHeader: 'a' },
    { setQuery: { name: 'a', value: '2' } },
  )
  assert.deepEqual(after, { ...exchange, query: 'b=2&a=2' })
  assert.deepEqual(exchange, before)
  assert.equal(compileSteps([])(exchange), exchange)
})

test('setHeader cannot set what never passes', () => {
  for (const name of [
    'Authorization',
    'authorization',
    'Host',
    'Content_Length',
    'CamelHttpUri',
    'X_Forwarded_For',
    'SapAuthenticatedUserName',
  ])
    assert.match(
      messages({ setHeader: { name, value: 'x' } }),
      /^setHeader\.name: this header never passes/,
      name,
    )
  assert.match(messages({ setHeader: { name: 'Authorization', value: 'Basic x' } }), /receiver\.credential/)
})

test('a step that is no step is refused with what to write', () => {
  const bad: [unknown, RegExp][] = [
    [{}, /has 0 members, write one step/],
    [{ removeHeader: 'a', setQuery: { name: 'a', value: 'b' } }, /has 2 members/],
    [{ setHeaders: {} }, /setHeaders is no known member, the nearest is setHeader/],
    [{ setHeader: { nam: 'a', value: 'b' } }, /nearest is name/],
    [{ setHeader: { name: 'a' } }, /setHeader\.value: is missing, write erp/],
    [{ setHeader: { name: 'a', value: 5 } }, /in quotes/],
    [{ setHeader: { name: 'a', value: 'b\r\nc: d' } }, /printable/],
    [{ setHeader: { name: 'a', value: 'ü' } }, /printable/],
    [{ setHeader: { name: 'a', value: ' b' } }, /white space/],
    [{ setHeader: { name: 'a', value: '' } }, /write 1 to 4096/],
    [{ setHeader: { name: 'a b', value: 'c' } }, /no header name/],
    [{ removeHeader: null }, /write X-Source/],
    [{ removeHeader: 'a b' }, /no header name/],
    [{ setQuery: { name: '', value: 'a' } }, /name of the parameter/],
    [{ setQuery: { name: 'a', value: '\ud800' } }, /well-formed/],
    [JSON.parse('{"__proto__":{"setHeader":{}}}'), /has 0 members|no known member/],
    [null, /write setHeader/],
    ['removeHeader', /write setHeader/],
  ]
  for (const [entry, says] of bad) assert.match(messages(entry), says, JSON.stringify(entry))
})

const characters = fc.string({ unit: fc.constantFrom(...'aZ0-_ \t\n\r\0:;"\u007f\u0080é\u0100') })

test('what setHeader accepts, an HTTP request can carry', () => {
  fc.assert(
    fc.property(characters, characters, (name, value) => {
      const read = stepSchema.safeParse({ setHeader: { name, value } })
      if (!read.success) return
      validateHeaderName(name)
      validateHeaderValue(name, value)
    }),
    { numRuns: 500 },
  )
})

test('each step has a name of its own', () => {
  assert.equal(new Set(steps.map(step => step.name)).size, steps.length)
  assert.throws(() => compileSteps([{ split: {} }]), /no such step: split/)
})
