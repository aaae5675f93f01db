import assert from 'node:assert/strict'
import { chmodSync } from 'node:fs'
import { before, describe, test } from 'node:test'
import {
  at,
  done,
  flow,
  json,
  type KeyAnswer,
  newKey,
  openssl,
  read,
  refused,
  refusedInTheEnd,
  states,
  world,
} from './world.ts'

before(() => {
  openssl(`req -new ${newKey} -keyout csr-key.pem -subj /CN=x -out x.csr`)
  chmodSync(at('csr-key.pem'), 0o600)
})

describe('rotation and revocation', () => {
  test('a successor is accepted beside the old one for the overlap', async () => {
    await done('key create erp turning --type certificate --key-length 256 --out $old')
    const { out } = await done('key rotate erp turning --key-length 256 --overlap 2 --out $new')
    assert.match(out, /^Key turning of instance erp has a successor: .*new\/key\.json, client\.pem/)
    for (const each of ['old', 'new'])
      await done(`call --with certificate --key $${each}/key.json ${flow()}`, /200 OK/)
    assert.deepEqual(await states('erp turning'), ['overlap', 'active'])
    const clientIds = ['old', 'new'].map(each => JSON.parse(read(`${each}/key.json`)).clientid)
    assert.equal(clientIds[0], clientIds[1])
    await done('key rotate erp turning --overlap 0 --csr $x.csr --out $newest')
    await refused(`call --with certificate --key $new/key.json ${flow()}`, /refused with 401/)
    await refused('key rotate erp turning --overlap soon', /--overlap must be a whole number/, 2)
    await refused('key rotate erp nobody', /no key nobody/)
  })

  test('a secret has a successor, too', async () => {
    await done('key create erp words --out $words1')
    await done('key rotate erp words --out $words2')
    for (const each of ['words1', 'words2']) await done(`token --key $${each}/key.json`)
    assert.match((await done('key show erp words')).out, /^Old secret until +\d{4}-.*\(in \d days\)$/m)
  })

  test('a successor that cannot be written down is revoked', async () => {
    await refusedInTheEnd(
      'key rotate erp turning --key-length 256 --out $lost',
      /cannot write .*\nhint: The successor is lost/,
    )
    assert.deepEqual((await states('erp turning')).slice(-1), ['revoked'])
  })

  test('a revoked certificate is refused on the next request, and says so', async () => {
    await done('key create erp issued --type certificate --key-length 256 --out $issued')
    const [certificate] = (await json<KeyAnswer>('key show erp issued')).certificates
    const { out } = await done(`authority revoke ${certificate!.serial} --reason keyCompromise`)
    assert.match(out, /is revoked: keyCompromise\. It is refused from the next request on\.\n$/)
    const { err } = await refused(
      `call --with certificate --key $issued/key.json ${flow()}`,
      /refused with 401/,
    )
    const [, line] = /Why: countersign (explain \S+)/.exec(err) ?? []
    assert.match((await done(line!)).out, /Reason +the certificate was revoked on/)
    assert.match((await done('key show erp issued')).out, /^Certificate +revoked$/m)
    await refused(`authority revoke ${certificate!.serial}`, /revoked on .* already/)
    await refused('authority revoke abcd --reason boredom', /Allowed choices are .*keyCompromise/, 2)
  })

  test('keys that end soon are warned of', async () => {
    await done('key create erp short --type certificate --key-length 256 --validity 20 --out $short')
    const soon = await done(
      'key list erp',
      /^warning: key short expires in (19|20) days: make a successor with countersign key rotate erp short/m,
    )
    assert.match(soon.out, /^short +certificate +now +in (19|20) days +active/m)
  })

  test('a key that has ended is told apart from one that is refused for another reason', async () => {
    world.advance(21 * 86_400_000)
    const { err } = await refused('token --key $short/key.json', /^warning: the certificate ended on \d{4}-/)
    assert.match(err, /invalid_client/)
    const { out } = await done(
      'key show erp short',
      /^warning: key short expired 1 day ago: make a successor/,
    )
    assert.match(out, /^Expires +expired: \d{4}-.* \(1 day ago\)$/m)
    assert.match(out, /^Certificate +expired$/m)
  })
})
