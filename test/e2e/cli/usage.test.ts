import { before, describe, test } from 'node:test'
import { done, refused, write } from './world.ts'

describe('wrong usage', () => {
  before(async () => {
    await done('key create erp issued --type certificate --key-length 256 --out $issued')
    await done('key create erp words --out $words')
    write('some.pem', 'any')
  })
  const cases: readonly (readonly [string, RegExp])[] = [
    ['token --key $issued/key.json --pkcs12 $a --private-key $b', /leave the other options out/],
    [
      'token --key $words/key.json --private-key $some.pem',
      /holds a secret: it is used without a certificate/,
    ],
    ['token --key $words/key.json --passphrase-file $some.pem', /goes with --pkcs12 or --private-key/],
    [
      'call --with certificate --key $words/key.json https://localhost/',
      /holds no certificate: call with a token/,
    ],
    ['token --key $issued/key.json --private-key $none', /there is no such file/],
    [
      'explain --certificate $some.pem --token-file $some.pem',
      /a correlation id, --token-file FILE or --certificate FILE/,
    ],
    ['explain', /a correlation id, --token-file FILE or --certificate FILE/],
    ['explain some-id --endpoint /http/orders', /--endpoint goes with/],
    ['trust add', /missing required argument/],
    ['authority import --key $some.pem', /--certificates/],
  ]
  for (const [line, words] of cases)
    test(line, async () => {
      await refused(line, words, 2)
    })
})
