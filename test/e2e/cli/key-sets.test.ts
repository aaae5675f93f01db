import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { before, describe, test } from 'node:test'
import { assertToken, claimsOf, jwkOf, newSigner, present, signed } from '../assertions/world.ts'
import { at, cli, done, json, read, refused, world } from './world.ts'

const [one, two] = [newSigner('ES256', 'one'), newSigner('ES256', 'two')]

before(() => {
  writeFileSync(at('set.json'), JSON.stringify({ keys: [jwkOf(one)] }))
  writeFileSync(at('next.json'), JSON.stringify({ keys: [one, two].map(jwkOf) }))
  writeFileSync(at('private.json'), JSON.stringify(one.privateKey.export({ format: 'jwk' })))
  writeFileSync(at('broken.json'), '{')
  for (const [name, { privateKey }] of Object.entries({ one, two, other: newSigner() }))
    writeFileSync(at(`${name}.pem`), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
})

describe('public keys of the sender', () => {
  test('a key set is registered, shown, used and replaced', async () => {
    const { out } = await done('key create erp signing --type jwks --jwks $set.json --out $signing')
    assert.match(out, /^Key signing of instance erp created: .*key\.json\nNext: the sender signs assertions/)
    const { clientid } = JSON.parse(read('signing/key.json'))
    assertToken(await present(world, signed(one, claimsOf(world, clientid))))
    await world.server.services.journal.flush()
    const shown = (await done('key show erp signing')).out
    assert.match(shown, /^Type +jwks$/m)
    assert.match(shown, /^Public key +one$/m)
    assert.match(shown, /^Algorithms +ES256$/m)
    assert.match(shown, /^Last used +\d{4}-/m)
    assert.match((await done('key list erp')).out, /PUBLIC KEYS.*\n(.*\n)*signing +jwks .* one /)

    await done('key rotate erp signing --jwks $next.json --out $next')
    assertToken(await present(world, signed(two, claimsOf(world, clientid))))
    const { keys } = await json<{ keys: { kid: string }[] }>('key show erp signing')
    assert.deepEqual(
      keys.map(({ kid }) => kid),
      ['one', 'two'],
    )
  })

  test('a token and a call take the private half, which stays with the sender', async () => {
    await done('key create erp assertions --jwks $next.json --out $assertions')
    const key = '--key $assertions/key.json'
    for (const name of ['one', 'two']) {
      const { access_token } = await json<{ access_token: string }>(`token ${key} --private-key $${name}.pem`)
      assert.equal(access_token.split('.').length, 3)
      assert.match(
        (await cli(`call ${key} --private-key $${name}.pem ${world.url}/http/orders`)).err,
        /200 OK/,
      )
    }
    await refused(
      `token ${key}`,
      /holds public keys: give the private half of one with --private-key FILE/,
      2,
    )
    await refused(`token ${key} --private-key $other.pem`, /is not that of any key in the service key/, 2)
    await refused(`token ${key} --private-key $one.pem --certificate $one.pem`, /without a certificate/, 2)
    await refused(
      `call ${key} --private-key $one.pem --with certificate ${world.url}/http/orders`,
      /holds no certificate/,
      2,
    )
  })

  test('the type follows from the option; an address stands for the keys that are there', async () => {
    const made = await json<Record<string, unknown>>(
      'key create erp there --jwks-uri https://keys.example/jwks',
    )
    assert.equal(made.jwks_uri, 'https://keys.example/jwks')
    assert.match((await done('key show erp there')).out, /^Keys at +https:\/\/keys\.example\/jwks$/m)
  })

  test('what cannot be used is refused, and says why', async () => {
    await refused('key create erp bad --jwks $private.json', /holds a private key: give the public half/)
    await refused('key create erp bad --jwks $broken.json', /broken\.json is not JSON/, 2)
    await refused('key create erp bad --jwks $missing.json', /there is no such file/, 2)
    await refused('key create erp bad --jwks-uri http://keys.example/', /must be an https:\/\/ address/)
    await refused('key create erp bad --jwks $set.json --jwks-uri https://keys.example/', /one of the two/)
    await refused('key create erp bad --type jwks', /give jwks or jwks_uri/)
    await refused('key create erp bad --type secret --jwks $set.json', /unknown member jwks/)
  })
})

describe('what an instance says about assertions', () => {
  test('is set by options, shown where it is looser than usual, and refused where it is nothing', async () => {
    await done('instance create older --assertion-audience token-endpoint')
    assert.match((await done('instance show older')).out, /^Assertions +for the token endpoint, too$/m)
    const { out } = await done('instance update older --assertion-replay reported')
    assert.match(out, /^Assertions +for the token endpoint, too; may be used again$/m)
    await done('instance update older --assertion-audience issuer --assertion-replay refused')
    assert.doesNotMatch((await done('instance show older')).out, /^Assertions/m)
    await refused('instance update older --assertion-audience anybody', /Allowed choices/, 2)
  })
})
