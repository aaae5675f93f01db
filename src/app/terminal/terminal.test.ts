import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { checkList } from './checks.ts'
import { expiryColour, fullExpiry, shortExpiry } from './expiry.ts'
import { createPaint, printable } from './paint.ts'
import { quote } from './quote.ts'
import { details, table } from './table.ts'
import { createTerminal } from './terminal.ts'
import { fullTime, relativeTime } from './time.ts'

const plain = createPaint({}, false)

describe('table', () => {
  const columns = [
    { title: 'NAME', cell: (row: { name: string; count: number }) => row.name },
    {
      title: 'N',
      cell: (row: { name: string; count: number }) => String(row.count),
      align: 'right' as const,
    },
    { title: 'NOTE', cell: () => '' },
  ]

  test('columns are as wide as their widest cell, and no line ends in white space', () => {
    const rows = [
      { name: 'a', count: 1 },
      { name: 'längst', count: 1000 },
    ]
    assert.equal(
      table(rows, columns, plain),
      ['NAME       N  NOTE', 'a          1', 'längst  1000', ''].join('\n'),
    )
  })

  test('without rows there is still a header', () => {
    assert.equal(table([], columns, plain), 'NAME  N  NOTE\n')
  })

  test('what a stranger wrote cannot move the cursor or turn the writing around', () => {
    const rows = [{ name: '\u001b[2Ja\n\u202eb', count: 1 }]
    assert.equal(table(rows, columns, plain).split('\n')[1], '?[2Ja??b  1')
  })

  test('the header is bold on a terminal, and alignment does not count colours', () => {
    const paint = createPaint({ TERM: 'xterm' }, true)
    assert.equal(
      table([{ name: 'abcdef', count: 1 }], columns, paint),
      '\u001b[1mNAME    N  NOTE\u001b[22m\nabcdef  1\n',
    )
  })

  test('details leave out what has no value', () => {
    assert.equal(
      details(
        [
          ['Name', 'a'],
          ['Hint', undefined],
          ['Empty', ''],
          ['Client id', 'x\ty'],
        ],
        plain,
      ),
      'Name       a\nClient id  x?y\n',
    )
  })
})

describe('times', () => {
  const now = Date.parse('2026-11-20T12:00:00Z')
  const at = (ms: number) => relativeTime(new Date(now + ms).toISOString(), now)
  const cases: readonly (readonly [number, string])[] = [
    [0, 'now'],
    [-999, 'now'],
    [-1000, '1 s ago'],
    [59_999, 'in 59 s'],
    [60_000, 'in 1 min'],
    [-2 * 3_600_000, '2 h ago'],
    [86_400_000, 'in 1 day'],
    [3 * 86_400_000 + 5, 'in 3 days'],
    [-400 * 86_400_000, '400 days ago'],
  ]
  for (const [distance, words] of cases) {
    test(`${distance} ms from now is said as "${words}"`, () => assert.equal(at(distance), words))
  }

  test('no time is never', () => {
    assert.equal(relativeTime(null, now), 'never')
    assert.equal(relativeTime(undefined, now), 'never')
    assert.equal(fullTime(null, now), 'never')
  })

  test('alone, a time is said both ways', () => {
    assert.equal(fullTime('2026-11-20T11:00:00.000Z', now), '2026-11-20T11:00:00.000Z (1 h ago)')
  })
})

describe('paint', () => {
  const bold = (env: Record<string, string>, isTerminal: boolean) => createPaint(env, isTerminal).bold('x')

  test('colours are for terminals that want them', () => {
    assert.equal(bold({ TERM: 'xterm' }, true), '\u001b[1mx\u001b[22m')
    assert.equal(bold({ TERM: 'xterm' }, false), 'x')
    assert.equal(bold({ TERM: 'dumb' }, true), 'x')
    assert.equal(bold({ NO_COLOR: '1' }, true), 'x')
    assert.equal(bold({ NO_COLOR: '' }, true), '\u001b[1mx\u001b[22m')
  })

  test('marks are ASCII unless the locale is UTF-8, and LC_ALL has the last word', () => {
    const passed = (env: Record<string, string>) => createPaint(env, false).marks.passed
    assert.equal(passed({ LANG: 'en_GB.UTF-8' }), '✓')
    assert.equal(passed({ LC_CTYPE: 'C.utf8' }), '✓')
    assert.equal(passed({}), '+')
    assert.equal(passed({ LC_ALL: 'C', LANG: 'en_GB.UTF-8' }), '+')
    assert.equal(passed({ LC_ALL: '', LANG: 'en_GB.UTF-8' }), '✓')
  })

  test('a check list shows what passed, what failed and what was not reached', () => {
    const checks = [
      { name: 'token form', outcome: 'passed' },
      { name: 'token dates', outcome: 'failed' },
      { name: 'role', outcome: 'not reached' },
    ]
    assert.equal(checkList(checks, plain), '  + token form\n  x token dates\n  - role\n')
    assert.equal(
      checkList(checks, createPaint({ LANG: 'C.UTF-8' }, false)),
      '  ✓ token form\n  ✗ token dates\n  – role\n',
    )
  })

  test('below a check that failed stands why', () => {
    const checks = [
      { name: 'name', outcome: 'passed', reason: null },
      { name: 'tls', outcome: 'failed', reason: 'no version in common' },
      { name: 'host name', outcome: 'failed', reason: 'for another\n' },
    ]
    assert.equal(
      checkList(checks, plain),
      '  + name\n  x tls\n    no version in common\n  x host name\n    for another?\n',
    )
  })

  test('letters of every script are printable, control characters are not', () => {
    assert.equal(printable('Zürich 東京 عربي'), 'Zürich 東京 عربي')
    assert.equal(printable('a\r\u0000\u009b\u2028\u200e\u007f'), 'a??????')
  })
})

describe('terminal', () => {
  function terminal(json: boolean) {
    const stdout = new PassThrough()
    const stderr = new PassThrough()
    const words = createTerminal({ stdout, stderr }, {}, () => json)
    return { words, read: async () => [await text(stdout.end()), await text(stderr.end())] }
  }

  test('with --json the answer is one document, and notes do not touch it', async () => {
    const { words, read } = terminal(true)
    words.note('a note')
    words.show({ name: 'a' }, () => assert.fail('not for people'))
    const [out, err] = await read()
    assert.deepEqual(JSON.parse(out!), { name: 'a' })
    assert.equal(err, 'a note\n')
  })

  test('without it, people get their text', async () => {
    const { words, read } = terminal(false)
    words.warn('look\nhere')
    words.show({ name: 'a' }, () => 'done\n')
    assert.deepEqual(await read(), ['done\n', 'warning: look?here\n'])
  })
})

test('progress is shown on a terminal only, on one line that is never wrapped and goes away', async () => {
  async function written(isTTY: boolean, env: Record<string, string> = {}, columns = 10) {
    const stderr = Object.assign(new PassThrough(), { isTTY, columns })
    const terminal = createTerminal({ stdout: new PassThrough(), stderr }, env, () => false)
    terminal.progress('1 of\n20 written')
    terminal.progress('')
    return text(stderr.end())
  }
  assert.equal(await written(true), '\r\u001b[K1 of?20 w\r\u001b[K')
  assert.equal(await written(true, {}, 0), '\r\u001b[K1 of?20 written\r\u001b[K')
  assert.equal(await written(true, { TERM: 'dumb' }), '')
  assert.equal(await written(false), '')
})

test('an argument is quoted where a shell would read it otherwise', () => {
  assert.equal(quote('a/b-c_d.json'), 'a/b-c_d.json')
  assert.equal(quote('my key.json'), "'my key.json'")
  assert.equal(quote("it's $HOME"), "'it'\\''s $HOME'")
  assert.equal(quote(''), "''")
})

describe('the end of a credential', () => {
  const now = Date.parse('2026-11-20T12:00:00Z')
  const inDays = (days: number) => new Date(now + days * 86_400_000).toISOString()
  const colours = { ...plain, yellow: (text: string) => `y(${text})`, red: (text: string) => `r(${text})` }
  const shown = (iso: string | null) => expiryColour(iso, now, colours)(shortExpiry(iso, now))

  test('is yellow from 60 days ahead, red from 14, and a word afterwards', () => {
    const cases: readonly (readonly [string | null, string])[] = [
      [null, 'never'],
      [inDays(61), 'in 61 days'],
      [inDays(60), 'y(in 60 days)'],
      [inDays(15), 'y(in 15 days)'],
      [inDays(14), 'r(in 14 days)'],
      [inDays(0.5), 'r(in 12 h)'],
      [inDays(0), 'r(expired now)'],
      [inDays(-3), 'r(expired 3 days ago)'],
    ]
    for (const [iso, expected] of cases) assert.equal(shown(iso), expected)
  })

  test('is written out with its date', () => {
    assert.equal(fullExpiry(inDays(2), now), '2026-11-22T12:00:00.000Z (in 2 days)')
    assert.equal(fullExpiry(inDays(-2), now), 'expired: 2026-11-18T12:00:00.000Z (2 days ago)')
  })

  test('colours neither widen a column nor end a line with white space', () => {
    const paint = createPaint({ TERM: 'xterm' }, true)
    const columns = [
      { title: 'A', cell: (row: string) => row, colour: () => paint.red },
      { title: 'B', cell: (row: string) => (row === 'long' ? '' : 'x') },
    ]
    const red = (text: string) => `\u001b[31m${text}\u001b[39m`
    assert.deepEqual(table(['a', 'long'], columns, paint).split('\n').slice(1), [
      `${red('a')}     x`,
      red('long'),
      '',
    ])
    assert.equal(
      details([['Expires', 'soon\u001b', paint.red]], paint),
      `\u001b[1mExpires\u001b[22m  ${red('soon?')}\n`,
    )
  })
})
