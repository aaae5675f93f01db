import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { keyPair } from '../../../test/support/chains.ts'
import { chooseEntry } from './choose-entry.ts'
import type { Pkcs12Entry } from './entries.ts'

const entry = (alias: string | undefined): Pkcs12Entry => ({
  alias,
  localKeyId: undefined,
  privateKey: keyPair('P-256').privateKey,
  chain: [],
})

const chosen = (aliases: readonly (string | undefined)[], alias: string | undefined) => {
  const entries = aliases.map(entry)
  const { entry: found, note } = chooseEntry({ entries }, alias)
  return { index: entries.indexOf(found), note }
}

describe('of the entries of a PKCS#12 file is chosen', () => {
  const cases: readonly (readonly [string, (string | undefined)[], string | undefined, number])[] = [
    ['the one with the alias', ['one', 'two'], 'two', 1],
    ['the one with the alias in other letters', ['one', 'zwölf'], 'ZWÖLF', 1],
    ['the one with the alias beside one without a name', [undefined, 'two'], 'two', 1],
    ['the only one, when no alias is asked for', ['one'], undefined, 0],
    ['the only one without a name, when no alias is asked for', [undefined], undefined, 0],
    ['the only one with the alias', ['one'], 'One', 0],
  ]
  for (const [title, aliases, alias, index] of cases)
    test(title, () => assert.deepEqual(chosen(aliases, alias), { index, note: undefined }))

  test('the only one without a name, for any alias, with a note', () => {
    const { index, note } = chosen([undefined], 'any\nthing\u2028')
    assert.equal(index, 0)
    assert.equal(
      note,
      'the only private key of the file has no name, so it is taken for the alias "any\\nthing\\u2028"',
    )
  })
})

describe('no entry of a PKCS#12 file is chosen', () => {
  const many = Array.from({ length: 23 }, (_, i) => `k${i + 1}`)
  const cases: readonly (readonly [string, (string | undefined)[], string | undefined, RegExp])[] = [
    ['when there is none', [], 'one', /holds no private key, only certificates: write it again with the key/],
    ['when there is none, and no alias', [], undefined, /holds no private key/],
    ['when the only one has another name', ['one'], 'two', /alias "two": it has "one"$/],
    ['for an empty alias', ['one'], '', /alias "": it has "one"$/],
    [
      'when several have other names, or none',
      ['one', undefined],
      'two',
      /alias "two": it has "one", one without a name$/,
    ],
    ['when several have no name', [undefined, undefined], 'two', /one without a name, one without a name$/],
    [
      'when there are several and no alias',
      ['one', 'two'],
      undefined,
      /holds 2 private keys: name one.*"two"$/,
    ],
    ['when two have the alias', ['one', 'ONE'], 'one', /has 2 private keys with the alias "one"/],
    ['of very many', many, 'one', /"k19", "k20", 3 more$/],
    ['with a name that would break a log', ['a\nb\u202e'], 'c', /it has "a\\nb\\u202e"$/],
    ['with a name without end', ['x'.repeat(9999)], 'c', /it has "x{64}"$/],
  ]
  for (const [title, aliases, alias, message] of cases)
    test(title, () =>
      assert.throws(() => chosen(aliases, alias), { name: 'Pkcs12Error', problem: 'alias', message }),
    )
})
