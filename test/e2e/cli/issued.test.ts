import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import {
  at,
  blocks,
  cli,
  done,
  flow,
  json,
  mode,
  openssl,
  read,
  refused,
  refusedInTheEnd,
  world,
  write,
} from './world.ts'

const day = 86_400_000

describe('a key with an issued certificate', () => {
  test('is written as files that other programs read as they are', async () => {
    const { out } = await done(
      'key create erp issued --type certificate --key-length 256 --validity 90 --out $issued',
    )
    const [first, next] = out.split('\n')
    assert.equal(
      first,
      `Key issued of instance erp created: ${at('issued/key.json')}, client.pem, chain.pem, client-key.pem, client.p12, client.p12.passphrase`,
    )
    assert.equal(next, `Next: countersign token --key ${at('issued/key.json')}`)
    const modes = Object.fromEntries(readdirSync(at('issued')).map(name => [name, mode(`issued/${name}`)]))
    assert.deepEqual(modes, {
      'chain.pem': '644',
      'client-key.pem': '600',
      'client.p12': '600',
      'client.p12.passphrase': '600',
      'client.pem': '644',
      'key.json': '600',
    })
    assert.equal(mode('issued'), '700')
    const key = JSON.parse(read('issued/key.json'))
    assert.equal(read('issued/chain.pem'), key.certificate)
    assert.equal(read('issued/client-key.pem'), key.key)
    assert.deepEqual([key.tokenurl, key.url], [`${world.mtlsUrl}/oauth/token`, world.mtlsUrl])
    const sent = blocks(read('issued/client.pem'))
    const chain = blocks(read('issued/chain.pem'))
    assert.deepEqual(sent, chain.slice(0, 2))
    assert.equal(chain.length, 3)
    const leaf = new X509Certificate(sent[0]!)
    assert.equal(Math.round((leaf.validToDate.getTime() - world.now()) / day), 90)
  })

  test('openssl accepts its chain and its PKCS#12 file', () => {
    write('issuing.pem', blocks(read('issued/chain.pem'))[1]!)
    write('issuing-root.pem', blocks(read('issued/chain.pem'))[2]!)
    const verified = openssl(
      'verify -x509_strict -purpose sslclient -CAfile issuing-root.pem -untrusted issuing.pem issued/client.pem',
    )
    assert.match(verified, /client\.pem: OK/)
    const p12 = openssl('pkcs12 -in issued/client.p12 -passin file:issued/client.p12.passphrase -nodes')
    assert.deepEqual(blocks(p12.replaceAll(/^(?!-----|[A-Za-z0-9+/=]+$).*\n/gm, '')).length, 2)
    assert.match(p12, /friendlyName: issued/)
    assert.match(read('issued/client.p12.passphrase'), /^[A-Za-z0-9_-]{32}\n$/)
  })

  test('is never written over, and not made where it cannot be written down', async () => {
    const before = read('issued/key.json')
    await refused('key create erp other --type certificate --out $issued', /issued\/key\.json exists already/)
    write('client.p12', '')
    await refused('key create erp other --type certificate --out $', /client\.p12 exists already/)
    const failed = await refusedInTheEnd(
      'key create erp other --type certificate --out $other',
      /cannot write to .*no randomness/,
    )
    assert.match(failed.err, /hint: The key was deleted again\./)
    assert.deepEqual(readdirSync(at('other')), [])
    assert.deepEqual(
      readdirSync(at('')).filter(name => name.includes('tmp')),
      [],
    )
    await refused('key show erp other', /no key other/)
    assert.equal(read('issued/key.json'), before)
  })

  test('gets a token, and calls with the token or with the certificate alone', async () => {
    assert.match((await done('token --key $issued/key.json')).out, /^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    for (const how of ['', ' --with token', ' --with certificate']) {
      const call = await done(`call${how} --key $issued/key.json ${flow()}`, /^HTTP\/1\.1 200 OK\n$/)
      assert.equal(call.out, 'taken')
    }
    await refused(
      `call --with basic --key $issued/key.json ${flow()}`,
      /holds no secret: call with a token or/,
      2,
    )
  })

  test('works from its PKCS#12 file, and from PEM files that replace those in the key', async () => {
    const p12 = '--pkcs12 $issued/client.p12 --passphrase-file $issued/client.p12.passphrase'
    const pem = '--certificate $issued/client.pem --private-key $issued/client-key.pem'
    for (const own of [p12, pem]) {
      await done(`token --key $issued/key.json ${own}`)
      await done(`call --with certificate --key $issued/key.json ${own} ${flow()}`, /200 OK/)
    }
    write('wrong', 'x\n')
    const line = 'token --key $issued/key.json --pkcs12 $issued/client.p12'
    await refused(`${line} --passphrase-file $wrong`, /password is not that of the file/, 2)
    await refused(line, /password is not that of the file/, 2)
    await refused('token --key $issued/key.json --pkcs12 $issued/key.json', /is PEM text/, 2)
  })

  test('in the shape of Cloud Foundry works as well', async () => {
    const { out, err } = await cli('key create erp cf --type certificate --key-length 256 --shape cf')
    assert.match(err, /^This key is shown once/)
    assert.ok(JSON.parse(out).oauth.certificatedetails.validuntil)
    assert.equal((await cli('token --key -', out)).status, 0)
    assert.equal((await cli(`call --with certificate --key - ${flow()}`, out)).status, 0)
    await done('key delete erp cf')
  })

  test('on a port that asks for no certificate is told the right address', async () => {
    const key = JSON.parse(read('issued/key.json'))
    write('public.json', JSON.stringify({ ...key, tokenurl: `${world.url}/oauth/token` }))
    const { err } = await refused('token --key $public.json', /asks for no certificate/)
    assert.ok(err.includes(`hint: Certificates are asked for at ${world.mtlsUrl}/oauth/token`), err)
    const call = await refused(
      `call --with certificate --key $issued/key.json ${world.url}/http/orders`,
      /refused with 401/,
    )
    assert.ok(call.err.includes(`hint: The key is for ${world.mtlsUrl};`), call.err)
  })

  test('tells who else can read its private key', async () => {
    write('open.json', read('issued/key.json'), 0o640)
    await done('token --key $open.json', /^warning: others on this machine can read .*open\.json: close it/)
    write('open-key.pem', read('issued/client-key.pem'), 0o644)
    await done('token --key $issued/key.json --private-key $open-key.pem', /^warning: .*open-key\.pem/)
  })
})

describe('tokens bound to a certificate', () => {
  test('are used over its connection only', async () => {
    const made = await json<Record<string, unknown>>('instance create bound --bind')
    assert.equal(made['bind-tokens'], true)
    await done('key create bound k --type certificate --key-length 256 --out $bound')
    const { out: token } = await done('token --key $bound/key.json')
    const { cnf } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())
    assert.ok(cnf['x5t#S256'])
    await done(`call --key $bound/key.json ${flow()}`, /200 OK/)
    await refused(`call --key $bound/key.json ${world.url}/http/orders`, /refused with 401/)
    assert.match((await done('instance update bound --no-bind')).out, /^Tokens +jwt, 3600 s$/m)
    await done(`call --key $bound/key.json ${world.url}/http/orders`, /200 OK/)
  })
})
