import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { chainOf, keyPair } from '../../../test/support/chains.ts'
import { encodePem } from '../../crypto/pem.ts'
import { CertificateProblem, readForwardedCertificate } from '../index.ts'
import { forwardedForms } from './index.ts'

const [root, issuer, leaf] = chainOf([{}, {}, {}]) as [Buffer, Buffer, Buffer]
const [victim] = chainOf([{ cn: 'victim', key: keyPair('P-256', 8) }]) as [Buffer]
const rsa = keyPair('RSA 2048')
const [long] = chainOf([{ cn: 'RSA', key: rsa, signer: rsa }]) as [Buffer]
const ours = { root, issuer, leaf, victim, long }
const nameOf = (der: Buffer) => Object.entries(ours).find(([, each]) => each.equals(der))?.[0] ?? 'unknown'

const base64 = (der: Buffer) => der.toString('base64')
const colons = (der: Buffer) => `:${base64(der)}:`
const pem = (...ders: Buffer[]) => ders.map(der => encodePem('CERTIFICATE', der)).join('')
const escaped = (...ders: Buffer[]) => encodeURIComponent(pem(...ders))
/** As Envoy writes it. */
const quoted = (...ders: Buffer[]) => `"${escaped(...ders)}"`
const hex = (der: Buffer) => hash('sha256', der, 'hex')
const element = (der: Buffer, subject = 'CN=leaf') =>
  `By=spiffe://a.test/b;Hash=${hex(der)};Subject="${subject}";Cert=${quoted(der)}`
const names = 'DNS=a.test;DNS=b.test;URI=spiffe://a.test/c?d=e'

function read(values: string | string[], chain: string[] = []) {
  const found = readForwardedCertificate([values].flat(), chain)
  if (!found) return 'none'
  if (found instanceof CertificateProblem) {
    assert.match(found.reason, /^[\x20-\x7e]{1,300}$/)
    for (const secret of [base64(leaf).slice(0, 60), base64(victim).slice(0, 60)])
      assert.ok(!found.reason.includes(secret))
    return found
  }
  assert.equal(found.thumbprint, hash('sha256', found.der, 'base64url'))
  return [found.der, ...found.chain].map(nameOf).join(' ')
}

describe('a certificate is read', () => {
  const table: [title: string, value: string, seen: string, chain?: string[]][] = [
    ['from Client-Cert of RFC 9440', colons(leaf), 'leaf'],
    ['with Client-Cert-Chain', colons(leaf), 'leaf issuer root', [`${colons(issuer)}, ${colons(root)}`]],
    [
      'with Client-Cert-Chain without spaces',
      colons(leaf),
      'leaf issuer root',
      [`${colons(issuer)},${colons(root)}`],
    ],
    [
      'with Client-Cert-Chain in two headers',
      colons(leaf),
      'leaf issuer root',
      [colons(issuer), colons(root)],
    ],
    ['beside an empty Client-Cert-Chain', colons(leaf), 'leaf', ['']],
    [
      'with a chain as it was sent, though it is no chain',
      colons(leaf),
      'leaf root victim root',
      [`${colons(root)}, ${colons(victim)}, ${colons(root)}`],
    ],
    ['with ten others', colons(leaf), `leaf${' issuer'.repeat(10)}`, Array<string>(10).fill(colons(issuer))],
    ['of RSA', colons(long), 'long'],
    ['from nginx', escaped(leaf), 'leaf'],
    ['from nginx, long', escaped(long), 'long'],
    ['without the last line break', encodeURIComponent(pem(leaf).trimEnd()), 'leaf'],
    [
      'from a balancer that leaves + / = as they are',
      pem(leaf).replaceAll('\n', '%0A').replaceAll(' ', '%20'),
      'leaf',
    ],
    ['with %0a in small letters', escaped(leaf).replaceAll('%0A', '%0a'), 'leaf'],
    ['from HAProxy', base64(leaf), 'leaf'],
    [
      'from HAProxy with its chain',
      base64(leaf),
      'leaf issuer root',
      [base64(Buffer.concat([issuer, root]))],
    ],
    ['from HAProxy with an empty chain', base64(leaf), 'leaf', ['']],
    ['from Cloud Foundry: the body of the PEM', pem(leaf).split('\n').slice(1, -2).join(''), 'leaf'],
    ['from Envoy', element(leaf), 'leaf'],
    ['from Envoy, Cert alone', `Cert=${quoted(leaf)}`, 'leaf'],
    ['from Envoy, Cert without quotes', `Cert=${escaped(leaf)}`, 'leaf'],
    [
      'from Envoy with its chain, the leaf first',
      `${element(leaf)};Chain=${quoted(leaf, issuer, root)}`,
      'leaf issuer root',
    ],
    ['from Envoy with a chain of the leaf alone', `${element(leaf)};Chain=${quoted(leaf)}`, 'leaf'],
    ['from Envoy, keys in other letters', `hash=${hex(leaf).toUpperCase()};CERT=${quoted(leaf)}`, 'leaf'],
    ['from Envoy, the element that the last hop appended', `${element(victim)},${element(leaf)}`, 'leaf'],
    ['from Envoy, with a space after the comma', `${element(victim)}, ${element(leaf)}`, 'leaf'],
    [
      'from Envoy behind an element without a certificate',
      `By=x;Hash=${hex(victim)},${element(leaf)}`,
      'leaf',
    ],
    [
      'from Envoy, with commas, semicolons and quotes in the subject',
      element(leaf, `O=\\"a, b; Cert=x\\",CN=c`),
      'leaf',
    ],
    ['from Envoy, with an escaped comma in the subject', element(leaf, 'O=a\\,b,CN=c\\\\d'), 'leaf'],
    ['from Envoy, with an empty subject', element(leaf, ''), 'leaf'],
    ['from Envoy with names', `${element(leaf)};${names}`, 'leaf'],
    ['from Envoy with an empty name', `${element(leaf)};URI=`, 'leaf'],
    ['from Envoy with names behind other elements', `${element(victim)},${element(leaf)};${names}`, 'leaf'],
    ['from Envoy, with keys of a later version', `${element(leaf)};IPAddress="::1"`, 'leaf'],
  ]
  for (const [title, value, seen, chain] of table)
    test(title, () => {
      assert.equal(read(value, chain), seen)
      assert.equal(forwardedForms.filter(form => form.recognises(value)).length, 1)
    })
})

describe('there is none', () => {
  const table: [title: string, values: string[], chain?: string[]][] = [
    ['without the header', []],
    ['where it is empty', ['']],
    ['where Apache has written that the variable is not set', ['(null)']],
    ['where both are empty', [''], ['']],
  ]
  for (const [title, values, chain] of table) test(title, () => assert.equal(read(values, chain), 'none'))
})

describe('a header is refused', () => {
  const cut = (text: string) => text.slice(0, -8)
  const der = (...bytes: number[]) => Buffer.from(bytes)
  const table: [title: string, reason: RegExp, values: string | string[], chain?: string[]][] = [
    ['that is there twice', /is there 2 times/, [colons(leaf), colons(victim)]],
    ['that is there twice with the same value', /is there 2 times/, [colons(leaf), colons(leaf)]],
    ['that is there twice, once empty', /is there 2 times/, ['', colons(leaf)]],
    ['that is there twice, from Envoy', /is there 2 times/, [element(victim), element(leaf)]],
    ['of more than 64 KiB', /has 65537 characters/, `:${'A'.repeat(65_535)}:`],
    [
      'of more than 64 KiB with its chain',
      /characters, more than 65536/,
      colons(leaf),
      Array<string>(300).fill(colons(issuer)),
    ],
    ['with garbage', /none of these forms/, 'garbage'],
    ['with white space', /none of these forms/, ' '],
    ['with -', /none of these forms/, '-'],
    ['with null', /none of these forms/, 'null'],
    ['with SUCCESS', /none of these forms/, 'SUCCESS'],
    ['with a subject', /none of these forms/, '/C=US/CN=leaf'],
    ['with JSON', /none of these forms/, '{}'],
    ['with a thumbprint alone', /none of these forms/, hex(leaf)],
    ['with two values joined by a comma', /between colons/, `${colons(leaf)}, ${colons(victim)}`],
    ['with two base64 values joined by a comma', /none of these forms/, `${base64(leaf)}, ${base64(victim)}`],
    ['with a parameter after the colons', /between colons/, `${colons(leaf)};a=1`],
    ['with one colon', /between colons/, `:${base64(leaf)}`],
    ['with a lone colon', /between colons/, ':'],
    ['with nothing between the colons', /exact base64/, '::'],
    ['with a space between the colons', /exact base64/, `: ${base64(leaf)}:`],
    ['with base64url between the colons', /exact base64/, `:${leaf.toString('base64url')}_:`],
    ['with base64 that is cut off', /exact base64|X.509/, `:${cut(base64(leaf))}:`],
    [
      'with base64 without padding',
      /exact base64/,
      ':MIIB:'.replace('MIIB', Buffer.from('0').toString('base64').replace(/=+/, '')),
    ],
    ['with stray bits in base64', /exact base64/, ':MB==:'],
    [
      'with bytes after the certificate',
      /no X.509 in the certificate: 3 bytes after/,
      colons(Buffer.concat([leaf, der(1, 2, 3)])),
    ],
    [
      'with two certificates one behind the other',
      /no X.509 in the certificate/,
      base64(Buffer.concat([leaf, victim])),
    ],
    [
      'with other DER',
      /no X.509 in the certificate/,
      colons(rsa.publicKey.export({ type: 'spki', format: 'der' })),
    ],
    ['with an empty SEQUENCE', /no X.509 in the certificate/, colons(der(0x30, 0))],
    ['with base64 of PEM', /no X.509 in the certificate/, `:${Buffer.from(pem(leaf)).toString('base64')}:`],
    ['with base64 of PEM, without colons', /none of these forms/, Buffer.from(pem(leaf)).toString('base64')],
    [
      'with a private key',
      /is not PEM of certificates/,
      encodeURIComponent(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string),
    ],
    [
      'with a certificate and its key',
      /is not PEM of certificates/,
      encodeURIComponent(pem(long) + rsa.privateKey.export({ type: 'pkcs8', format: 'pem' })),
    ],
    ['with two certificates in PEM', /several certificates/, escaped(leaf, victim)],
    ['with PEM whose line breaks were lost', /line breaks as %0A/, pem(leaf).replaceAll('\n', ' ')],
    ['with PEM whose line breaks are \\n', /line breaks as %0A/, pem(leaf).replaceAll('\n', '\\n')],
    ['with PEM whose line breaks are tabs', /line breaks as %0A/, pem(leaf).replaceAll('\n', '\t')],
    [
      'with PEM, form-encoded',
      /line breaks as %0A/,
      new URLSearchParams({ a: pem(leaf) }).toString().slice(2),
    ],
    [
      'with PEM, encoded twice',
      /line breaks as %0A/,
      `-----BEGIN${encodeURIComponent(escaped(leaf)).slice(10)}`,
    ],
    ['with text after the PEM', /nothing around it/, `${escaped(leaf)}x`],
    ['with an element of Envoy after the PEM', /nothing around it/, `${escaped(victim)},${element(leaf)}`],
    ['with text between', /nothing around it/, escaped(leaf) + encodeURIComponent(`#\n${pem(leaf)}`)],
    ['with PEM that does not end', /is not PEM/, escaped(leaf).replace(/-----END.*/, '')],
    [
      'with PEM without content',
      /is not PEM/,
      encodeURIComponent('-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'),
    ],
    [
      'with PEM of inexact base64',
      /is broken PEM/,
      encodeURIComponent('-----BEGIN CERTIFICATE-----\nMIIA=\n-----END CERTIFICATE-----\n'),
    ],
    [
      'with PEM of something else',
      /no X.509/,
      encodeURIComponent(encodePem('CERTIFICATE', der(0x30, 3, 2, 1, 1))),
    ],
    ['with a broken percent sequence', /broken "%"/, `${escaped(leaf)}%`],
    ['with a percent sequence that is not UTF-8', /broken "%"/, `${escaped(leaf)}%ff`],
    ['of a chain without the certificate', /is missing beside that of its chain/, '', [colons(issuer)]],
    ['of a chain without the header', /is missing beside that of its chain/, [], [colons(issuer)]],
    ['with eleven others', /more than 10/, colons(leaf), Array<string>(11).fill(colons(issuer))],
    [
      'with eleven others from HAProxy',
      /more than 10/,
      base64(leaf),
      [base64(Buffer.concat(Array<Buffer>(11).fill(issuer)))],
    ],
    [
      'with eleven others from Envoy',
      /more than 10/,
      `Cert=${quoted(leaf)};Chain=${quoted(leaf, ...Array<Buffer>(11).fill(issuer))}`,
    ],
    [
      'with a chain of forty from Envoy',
      /more than 32/,
      `Cert=${quoted(leaf)};Chain=${quoted(leaf, ...Array<Buffer>(40).fill(issuer))}`,
    ],
    ['with a chain that is garbage', /chain that is not one base64 text/, colons(leaf), ['garbage']],
    [
      'with a chain with an empty member',
      /chain that is not one base64 text/,
      colons(leaf),
      [`${colons(issuer)},`],
    ],
    ['with a chain of another form', /chain that is not one base64 text/, colons(leaf), [base64(issuer)]],
    ['with a chain of no certificates', /no X.509 in the chain/, colons(leaf), [':MAA=:']],
    [
      'with a chain from HAProxy of another form',
      /chain that is not exact base64/,
      base64(leaf),
      [colons(issuer)],
    ],
    [
      'with a chain from HAProxy twice',
      /chain that is there 2 times/,
      base64(leaf),
      [base64(issuer), base64(root)],
    ],
    [
      'with a chain from HAProxy that is cut off',
      /chain that is cut off/,
      base64(leaf),
      [base64(issuer.subarray(0, 90))],
    ],
    [
      'with a chain from HAProxy that is cut off in a length',
      /not made of certificates/,
      base64(leaf),
      [base64(Buffer.concat([issuer, der(0x30, 0x83, 1)]))],
    ],
    [
      'with a chain from HAProxy of something else',
      /not made of certificates/,
      base64(leaf),
      [base64(der(0x02, 1, 1))],
    ],
    [
      'with a chain from HAProxy of four length octets',
      /not made of certificates/,
      base64(leaf),
      [base64(der(0x30, 0x84, 0, 0, 0, 1, 0))],
    ],
    ['with a chain beside nginx', /header for the chain/, escaped(leaf), [colons(issuer)]],
    ['with a chain beside Envoy', /header for the chain/, element(leaf), [colons(issuer)]],
    ['from Envoy without Cert', /no Cert in its last element/, `By=x;Hash=${hex(leaf)}`],
    ['from Envoy with an empty Cert', /no Cert in its last element/, `Cert="";Hash=${hex(leaf)}`],
    [
      'from Envoy with Cert in an earlier element alone',
      /no Cert in its last element/,
      `${element(victim)},By=x;Hash=${hex(leaf)}`,
    ],
    ['from Envoy with Chain alone', /no Cert in its last element/, `Chain=${quoted(leaf, issuer)}`],
    [
      'from Envoy with the Hash of another one',
      /Hash that is not that of Cert/,
      `Hash=${hex(victim)};Cert=${quoted(leaf)}`,
    ],
    ['from Envoy with an empty Hash', /Hash that is not that of Cert/, `Hash=;Cert=${quoted(leaf)}`],
    ['from Envoy with two Cert', /cert several times/, `Cert=${quoted(victim)};Cert=${quoted(leaf)}`],
    [
      'from Envoy with two Cert in other letters',
      /cert several times/,
      `Cert=${quoted(leaf)};cERT=${quoted(leaf)}`,
    ],
    [
      'from Envoy with two Hash',
      /hash several times/,
      `Hash=${hex(leaf)};Hash=${hex(leaf)};Cert=${quoted(leaf)}`,
    ],
    [
      'from Envoy with two Chain',
      /chain several times/,
      `Cert=${quoted(leaf)};Chain=${quoted(leaf)};Chain=${quoted(leaf)}`,
    ],
    [
      'from Envoy with two certificates in Cert',
      /several certificates in Cert/,
      `Cert=${quoted(leaf, victim)}`,
    ],
    [
      'from Envoy with a Chain of another leaf',
      /does not begin with Cert/,
      `Cert=${quoted(leaf)};Chain=${quoted(issuer, leaf)}`,
    ],
    ['from Envoy with base64 as Cert', /is not PEM/, `Cert=${base64(leaf)}`],
    ['from Envoy with an open quote', /no list of Key=value/, `Cert=${quoted(leaf)};Subject="CN=a`],
    ['from Envoy with an open quote before', /no list of Key=value/, `A=",${element(leaf)}`],
    [
      'from Envoy with an open quote and a backslash before',
      /no list of Key=value/,
      `A="\\,${element(leaf)}`,
    ],
    ['from Envoy with text after a quote', /no list of Key=value/, `Cert=${quoted(leaf)}x`],
    ['from Envoy with a quote within', /no list of Key=value/, `Subject=a"b";Cert=${quoted(leaf)}`],
    [
      'from Envoy where nobody can tell the end of a quote',
      /quotes that cannot be told apart/,
      element(leaf, `CN=a\\\\",Cert=${escaped(victim)},By="`),
    ],
    ['from Envoy with a comma at the end', /no list of Key=value/, `${element(leaf)},`],
    ['from Envoy with a semicolon at the end', /no list of Key=value/, `${element(leaf)};`],
    ['from Envoy with an empty element', /no list of Key=value/, `${element(victim)},,${element(leaf)}`],
    [
      'from Envoy with a key without a value',
      /no list of Key=value/,
      `Cert;${element(leaf)};x`.replace('Cert;', 'By=x;Cert;'),
    ],
    [
      'from Envoy with a name that looks like an element',
      /URI or DNS before the last/,
      `${element(leaf)};URI=,Hash=${hex(victim)};Cert=${escaped(victim)}`,
    ],
    [
      'from Envoy with a name that looks like an element with quotes',
      /URI or DNS before the last/,
      `${element(leaf)};DNS=a,${element(victim)};DNS=b`,
    ],
    [
      'from Envoy with a name that looks like another certificate',
      /cert several times/,
      `${element(leaf)};URI=a;Cert=${quoted(victim)}`,
    ],
    [
      'from Envoy without Cert, with a name that looks like one',
      /Hash that is not that of Cert/,
      `Hash=${hex(leaf)};URI=a;Cert=${quoted(victim)}`,
    ],
    [
      'from Envoy with a name of a later version that looks like an element',
      /URI or DNS before the last/,
      `${element(leaf)};Email=a,${element(victim)}`,
    ],
    ['from Envoy with garbage before', /none of these forms/, `garbage,${element(leaf)}`],
    ['from Envoy with another form before', /between colons/, `${colons(victim)},${element(leaf)}`],
  ]
  for (const [title, reason, values, chain] of table)
    test(title, () => {
      const found = read(values, chain)
      assert.ok(found instanceof CertificateProblem, String(found))
      assert.match(found.reason, reason)
    })
})

describe('nobody makes the element of the proxy look like another one', () => {
  const pieces = [
    ...['"', '\\', '\\"', ',', ';', '=', ' ', 'x', '%', ':', 'Cert', 'Hash', 'By=', 'By=x'],
    ...[`Cert=${quoted(victim)}`, `,Cert=${escaped(victim)}`, `,${element(victim)},A="`],
  ]
  const text = fc.array(fc.constantFrom(...pieces), { maxLength: 10 }).map(some => some.join(''))
  const asEnvoy = (subject: string) => `CN=${subject.replace(/[",;+<>\\]/g, '\\$&')}`
  const cannot = (write: (text: string, other: string) => string) => () =>
    fc.assert(
      fc.property(text, text, (one, other) => {
        const seen = read(write(one, other))
        assert.ok(seen === 'leaf' || seen instanceof CertificateProblem, String(seen))
      }),
      { numRuns: 700 },
    )
  test(
    'by what it sends before',
    cannot(before => `${before},${element(leaf)}`),
  )
  test(
    'by its subject',
    cannot(subject => element(leaf, asEnvoy(subject))),
  )
  test(
    'by both together',
    cannot((before, subject) => `${before},${element(leaf, asEnvoy(subject))}`),
  )
  test(
    'by a subject that a proxy escapes in another way',
    cannot(subject => element(leaf, subject.replaceAll('"', '\\"'))),
  )
  test(
    'by its names, which nobody escapes',
    cannot((uri, dns) => `${element(leaf)};DNS=${dns};URI=${uri}`),
  )
  test(
    'by its names and what it sends before',
    cannot((before, uri) => `${before},${element(leaf)};URI=${uri}`),
  )
})

describe('whatever comes, there is an answer soon, and no certificate that the input does not hold', () => {
  const values = [
    colons(leaf),
    base64(leaf),
    escaped(leaf),
    element(leaf),
    `${element(victim)},${element(leaf)}`,
    `Cert=${quoted(leaf)};Chain=${quoted(leaf, issuer)}`,
  ]
  const chains = [[], [colons(issuer)], [base64(Buffer.concat([issuer, root]))]]

  /** What any reader would find in the text: percent-decoded where that is possible, without white space. */
  function plain(text: string) {
    const decoded = text.replace(/%([0-9a-f]{2})/gi, (_, digits) =>
      String.fromCharCode(Number.parseInt(digits, 16)),
    )
    return decoded.replace(/\s/g, '')
  }
  function holds(texts: string[], chain: string[]) {
    const found = readForwardedCertificate(texts, chain)
    if (!found) return assert.ok(texts.every(text => text === '' || text === '(null)'))
    if (found instanceof CertificateProblem) return assert.match(found.reason, /^[\x20-\x7e]{1,300}$/)
    assert.equal(texts.length, 1)
    assert.ok(plain(texts[0]!).includes(base64(found.der)))
    const sources = Buffer.concat(chain.map(text => Buffer.from(text.replaceAll(':', ''), 'base64')))
    for (const other of found.chain)
      assert.ok(plain(texts[0]!).includes(base64(other)) || sources.includes(other))
  }
  const changed = (text: string) =>
    fc
      .tuple(
        fc.nat(text.length),
        fc.nat(4),
        fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom(...':;,="\\%+ \n\0A')),
      )
      .map(([at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut))

  test('a good value with something changed', () =>
    fc.assert(
      fc.property(fc.constantFrom(...values).chain(changed), fc.constantFrom(...chains), (value, chain) =>
        holds([value], chain),
      ),
      { numRuns: 800 },
    ))
  test('a good value with a changed chain', () =>
    fc.assert(
      fc.property(
        fc.constantFrom(colons(leaf), base64(leaf)),
        fc.constantFrom(...chains.flat()).chain(changed),
        (value, chain) => holds([value], [chain]),
      ),
      { numRuns: 500 },
    ))
  test('anything', () =>
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...values, '', '(null)')), {
          maxLength: 3,
        }),
        fc.array(fc.string(), { maxLength: 2 }),
        holds,
      ),
      { numRuns: 500 },
    ))
  test('no text is of two forms', () =>
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.constantFrom(...values).chain(changed),
          fc.stringMatching(/^(MI|:|-----BEGIN)?[A-Za-z=:]{0,9}$/),
        ),
        text => assert.ok(forwardedForms.filter(form => form.recognises(text)).length <= 1),
      ),
      { numRuns: 1000 },
    ))
  test('64 KiB of what makes bad readers slow takes no time worth telling', () => {
    const full = (piece: string) => piece.repeat(Math.floor(65_000 / piece.length))
    for (const value of [
      '\\',
      '"',
      '\\"',
      'A=',
      'A="',
      'A="\\',
      'A=,',
      'A="",',
      ',',
      ';',
      'A=b;',
      '%41',
      ' ',
    ].flatMap(piece => [
      full(piece),
      `A="${full(piece)}`,
      `Cert=${full(piece)}`,
      `-----BEGIN CERTIFICATE-----%0A${full(piece)}`,
      `-----BEGIN CERTIFICATE-----${full('%0AA')}`,
      `MI${full(piece)}`,
      `:${full(piece)}:`,
    ])) {
      const start = process.cpuUsage().user
      assert.ok(readForwardedCertificate([value]) instanceof CertificateProblem)
      assert.ok(process.cpuUsage().user - start < 500_000, value.slice(0, 60))
    }
  })
})
