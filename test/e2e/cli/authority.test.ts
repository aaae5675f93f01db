import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { blocks, done, flow, json, mayIssue, newKey, openssl, read, refused, write } from './world.ts'

describe('the authority', () => {
  test('is rolled over: the next one can be tested, then it issues, then the old one is retired', async () => {
    assert.match(
      (await done('authority list')).out,
      /^ID +ROLE +STATE +ISSUES FROM +EXPIRES +TRUSTED UNTIL +KEY +SUBJECT\n/,
    )
    const first = await json<{ id: string; role: string; state: string }[]>('authority list')
    const old = first.find(one => one.role === 'root')!
    await refused(`authority retire ${old.id}`, /only root[\s\S]*hint: .*roll-over --lead 0/)
    const rolled = await done('authority roll-over --lead 10 --overlap 100')
    assert.match(
      rolled.out,
      /^The new authority issues from .* \(in (9|10) days\) on\.\nThe one before is trusted until .*\.\n$/,
    )
    await done('key create erp late --type certificate --key-length 256 --validity 90 --out $late')
    await done('key create erp early --type certificate --key-length 256 --authority next --out $early')
    await done(`call --with certificate --key $early/key.json ${flow()}`, /200 OK/)
    const root = (name: string) => blocks(read(`${name}/chain.pem`)).at(-1)
    assert.notEqual(root('early'), root('late'))
    await done('authority roll-over --lead 0')
    await done(`authority retire ${old.id}`)
    await refused(`call --with certificate --key $late/key.json ${flow()}`, /refused with 401/)
    await refused('authority retire nothing', /no root nothing/)
    await refused('authority roll-over --lead soon', /--lead must be a whole number/, 2)
  })

  test('may be one that exists already', async () => {
    openssl(
      `req -x509 ${newKey} -keyout corp-root-key.pem -subj /CN=corp -days 3000 ${mayIssue} -out corp-root.pem`,
    )
    openssl(`req -new ${newKey} -keyout other-key.pem -subj /CN=other -out other.csr`)
    openssl(`req -new ${newKey} -keyout corp-key.pem -subj /CN=corp-issuing -out corp.csr`)
    write(
      'corp.ext',
      'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n',
    )
    openssl(
      'x509 -req -in corp.csr -CA corp-root.pem -CAkey corp-root-key.pem -CAcreateserial -days 2000 -extfile corp.ext -out corp.pem',
    )
    write('corp-chain.pem', read('corp.pem') + read('corp-root.pem'))
    await refused(
      'authority import --certificates $corp-chain.pem --key $other-key.pem',
      /belongs to none of the certificates/,
    )
    const imported = await done('authority import --certificates $corp-chain.pem --key $corp-key.pem')
    assert.match(imported.out, /^The imported authority issues from .* \(now\) on\.\n/)
    await done('key create erp corp --type certificate --key-length 256 --out $corp')
    assert.match(new X509Certificate(read('corp/client.pem')).issuer, /CN=corp-issuing/)
    await done(`call --with certificate --key $corp/key.json ${flow()}`, /200 OK/)
  })
})
