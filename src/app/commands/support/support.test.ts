import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, describe, test } from 'node:test'
import { adminBase, path } from './admin-api.ts'
import { WrongUsage } from './errors.ts'
import { readAddress, unreachable } from './exchange.ts'
import { readJson, readParameters, readSecret, readText } from './input.ts'
import { explainHint, readKey } from './sender.ts'
import { createTrust } from './trust.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-cli-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, content: string): string {
  const place = join(folder, name)
  writeFileSync(place, content)
  return place
}

const stdin = (content: string) => ({ stdin: Readable.from([content]) })
const usage = (words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof WrongUsage, String(error))
  assert.match(error.message, words)
  return true
}

describe('the address of the admin API', () => {
  const base = (url: string | undefined, options: { url?: string; tenant?: string } = {}) =>
    adminBase({
      key: { clientId: 'c', tokenUrl: 'https://t.example/oauth/token', ...(url !== undefined && { url }) },
      file: 'admin.json',
      url: options.url,
      tenant: options.tenant,
    })
  const own = 'https://localhost:8443/admin/v1'
  const acme = 'https://localhost:8443/tenants/acme/admin/v1'
  const cases: readonly (readonly [string, string, { url?: string; tenant?: string }, string])[] = [
    ['is that of the key', own, {}, own],
    ["of another tenant's key is its own", acme, {}, acme],
    ['follows --tenant', own, { tenant: 'acme' }, acme],
    ['of tenant default has no prefix', acme, { tenant: 'default' }, own],
    ['follows --url', own, { url: 'https://other.example/' }, 'https://other.example/admin/v1'],
    ['keeps the path of --url', own, { url: 'https://o.example/cs' }, 'https://o.example/cs/admin/v1'],
    ['may be given whole', own, { url: 'https://o.example/admin/v1' }, 'https://o.example/admin/v1'],
    [
      'keeps the tenant of the key on another server',
      acme,
      { url: 'https://o.example' },
      'https://o.example/tenants/acme/admin/v1',
    ],
    [
      'below a path',
      'https://o.example/cs/admin/v1',
      { tenant: 'acme' },
      'https://o.example/cs/tenants/acme/admin/v1',
    ],
  ]
  for (const [title, url, options, expected] of cases) {
    test(title, () => assert.equal(base(url, options), expected))
  }

  test('a key of another plan is refused', () => {
    assert.throws(() => base('https://localhost:8443'), usage(/not a key of the admin API/))
    assert.throws(() => base(undefined), usage(/not a key of the admin API/))
  })

  test('the token does not travel over plain http, nor beside another credential', () => {
    assert.throws(() => base(own, { url: 'http://other.example' }), usage(/plain http/))
    assert.throws(() => base(own, { url: 'https://a:b@other.example' }), usage(/user name/))
  })

  test('names cannot lead to another path', () => {
    assert.equal(path`/instances/${'a/b?c'}/keys/${'ä'}`, '/instances/a%2Fb%3Fc/keys/%C3%A4')
    for (const name of ['', '.', '..']) assert.throws(() => path`/tenants/${name}`, usage(/is not a name/))
    assert.throws(() => base(own, { tenant: '..' }), usage(/is not a name/))
  })
})

describe('addresses to call', () => {
  test('https, and http on this machine', () => {
    for (const good of [
      'https://a.example/x',
      'http://localhost:1/',
      'http://127.0.0.1/',
      'http://[::1]:80/',
    ])
      assert.equal(readAddress(good).href, new URL(good).href)
  })

  test('anything else is wrong usage', () => {
    for (const bad of ['', 'orders', 'ftp://localhost/', 'http://a.example/', 'http://localhost.example/'])
      assert.throws(() => readAddress(bad), WrongUsage, bad)
  })

  test('what went wrong on the way is said with what to do', () => {
    const url = new URL('https://localhost:8443/oauth/token')
    const told = (code: string) => unreachable(url, Object.assign(new Error('details'), { code }))
    assert.equal(
      told('ECONNREFUSED').message,
      'cannot reach https://localhost:8443: is `countersign serve` running?',
    )
    assert.match(told('DEPTH_ZERO_SELF_SIGNED_CERT').hint ?? '', /--ca FILE/)
    assert.match(told('ERR_TLS_CERT_ALTNAME_INVALID').message, /not to be trusted/)
    assert.match(told('ENOTFOUND').message, /no computer of this name/)
    assert.match(told('EPIPE').message, /no answer .*details/)
  })

  test('a refusal of another tenant is explained there', () => {
    assert.equal(
      explainHint(new URL('https://localhost:8443/http/orders'), 'id'),
      'Why: countersign explain id',
    )
    assert.equal(
      explainHint(new URL('https://localhost:8443/tenants/acme/http/orders'), 'id'),
      'Why: countersign explain id --tenant acme',
    )
  })
})

describe('files of the command line', () => {
  test('- is standard input, once', async () => {
    const input = stdin('{"a":1}')
    assert.deepEqual(await readJson('-', input), { a: 1 })
    await assert.rejects(readText('-', input), usage(/one file only/))
  })

  test('a file that cannot be read is named with the reason', async () => {
    await assert.rejects(readText(join(folder, 'none'), stdin('')), usage(/none: there is no such file/))
    await assert.rejects(readText(folder, stdin('')), usage(/it is a directory/))
  })

  test('a broken JSON file is not quoted: it may hold a secret', async () => {
    const broken = file('broken.json', '{"clientsecret": "csec_hidden"')
    await assert.rejects(readJson(broken, stdin('')), error => {
      assert.doesNotMatch(String(error), /csec_hidden/)
      return usage(/broken\.json is not JSON/)(error)
    })
  })

  test('a secret loses the line break of the editor and nothing else', async () => {
    assert.equal(await readSecret('-', stdin('ab c \n')), 'ab c ')
    assert.equal(await readSecret('-', stdin('abc\r\n')), 'abc')
    assert.equal(await readSecret('-', stdin('abc\n\n')), 'abc\n')
    await assert.rejects(readSecret('-', stdin('\n')), usage(/standard input is empty/))
  })

  test('-c takes a file or the JSON itself, and an object only', async () => {
    assert.deepEqual(await readParameters(undefined, stdin('')), {})
    assert.deepEqual(await readParameters(' {"roles":[]}', stdin('')), { roles: [] })
    assert.deepEqual(await readParameters(file('p.json', '{"a":1}'), stdin('')), { a: 1 })
    assert.deepEqual(await readParameters('-', stdin('{"b":2}')), { b: 2 })
    await assert.rejects(readParameters('{broken', stdin('')), usage(/not JSON/))
    await assert.rejects(readParameters(file('l.json', '[]'), stdin('')), usage(/JSON object/))
  })

  test('a key is read in every shape, and what is missing is named', () => {
    const flat = { clientid: 'c', clientsecret: 's', tokenurl: 'https://t.example/oauth/token' }
    for (const shape of [flat, { oauth: flat }, { credentials: { oauth: flat } }])
      assert.equal(readKey(shape, 'key.json').clientSecret, 's')
    assert.throws(
      () => readKey({ clientid: 'c' }, 'key.json'),
      usage(/^key\.json: The service key has no member clientsecret/),
    )
    assert.throws(() => readKey([], '-'), usage(/^standard input: /))
  })
})

describe('which roots are believed', () => {
  const pem = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'
  const local = new URL('https://localhost:8443/')
  const remote = new URL('https://idp.example/')

  test('--ca alone, for every address', () => {
    const trust = createTrust(file('given.pem', pem), {})
    assert.deepEqual(trust(local), [pem])
    assert.deepEqual(trust(remote), [pem])
  })

  test('a root that cannot be read stops the command', () => {
    assert.throws(() => createTrust(join(folder, 'none.pem'), {}), usage(/cannot read/))
    assert.throws(() => createTrust(file('key.pem', 'text'), {}), usage(/no certificate in PEM/))
  })

  test("the data directory's for this machine, and beside the public ones for others", () => {
    file('ca.pem', pem)
    const trust = createTrust(undefined, { COUNTERSIGN_DATA_DIR: folder })
    assert.deepEqual(trust(local), [pem])
    assert.deepEqual(trust(new URL('https://[::1]:8443/')), [pem])
    const roots = trust(remote) ?? []
    assert.equal(roots[0], pem)
    assert.ok(roots.length > 1)
  })

  test('without a data directory those of the system', () => {
    const trust = createTrust(undefined, { COUNTERSIGN_DATA_DIR: join(folder, 'none') })
    assert.equal(trust(local), undefined)
  })
})
