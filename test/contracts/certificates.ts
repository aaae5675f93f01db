import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { Store } from '../../src/adapters/store/open.ts'
import type { AuthorityCertificate, IssuedCertificate } from '../../src/core/authority/store.ts'
import type { Instance, ServiceKey } from '../../src/core/broker/store.ts'
import type { KeyCertificate } from '../../src/core/clients/certificates.ts'
import type { Change } from '../../src/core/store.ts'
import type { Tenant } from '../../src/core/tenant.ts'
import type { TrustedCertificate } from '../../src/core/trust/store.ts'
import { aKey, anInstance, aTenant, type Place, someId } from './store.ts'

/** Later than 32 bits of milliseconds or seconds reach. */
const someTime = 4_102_444_800_123

function anAuthority(
  { id: tenantId }: Tenant,
  more: Partial<AuthorityCertificate> = {},
): AuthorityCertificate {
  return {
    id: someId(),
    tenantId,
    role: 'issuing',
    issuerId: someId(),
    der: randomBytes(300),
    sealedKey: randomBytes(80),
    createdAt: someTime,
    activeFrom: someTime + 1,
    retireAt: undefined,
    ...more,
  }
}

function anIssued(authority: AuthorityCertificate, more: Partial<IssuedCertificate> = {}): IssuedCertificate {
  return {
    tenantId: authority.tenantId,
    authorityId: authority.id,
    serial: randomBytes(20).toString('hex'),
    thumbprint: someId(),
    credentialId: someId(),
    subject: 'CN=sender',
    notBefore: someTime,
    notAfter: someTime + 1000,
    createdAt: someTime,
    revokedAt: undefined,
    reason: undefined,
    ...more,
  }
}

function aKeyCertificate(key: ServiceKey, more: Partial<KeyCertificate> = {}): KeyCertificate {
  return {
    tenantId: key.tenantId,
    credentialId: key.id,
    thumbprint: someId(),
    der: randomBytes(300),
    names: someId(),
    notBefore: someTime,
    notAfter: someTime + 1000,
    acceptedUntil: undefined,
    ended: undefined,
    endedAt: undefined,
    createdAt: someTime,
    ...more,
  }
}

function aTrusted({ id: tenantId }: Tenant, more: Partial<TrustedCertificate> = {}): TrustedCertificate {
  return {
    tenantId,
    fingerprint: randomBytes(32).toString('hex'),
    role: 'root',
    der: randomBytes(300),
    crlUrl: undefined,
    ocspUrl: 'http://ocsp.example/',
    revocation: 'soft',
    addedAt: someTime,
    ...more,
  }
}

/** The promises of the tables of certificates, stated once for all engines. */
export function certificatesContract(name: string, makePlace: () => Promise<Place>): void {
  describe(`${name}: the certificates`, () => {
    let place: Place
    let store: Store
    before(async () => {
      place = await makePlace()
      store = await place.open()
    })
    after(async () => {
      await store.close()
      await place.drop()
    })

    async function newTenant(): Promise<Tenant> {
      const tenant = aTenant()
      await store.write(({ tenants }) => tenants.insert(tenant))
      return tenant
    }
    async function newKey(
      tenant: Tenant,
      more: Partial<ServiceKey> = {},
    ): Promise<{ instance: Instance; key: ServiceKey }> {
      const instance = anInstance(tenant)
      const key = aKey(instance, { type: 'certificate', secretDigest: undefined, ...more })
      await store.write(async ({ instances, keys }) => {
        await instances.insert(instance)
        await keys.insert(key)
      })
      return { instance, key }
    }
    /** What is announced while `work` runs. */
    async function announced(work: () => Promise<unknown>): Promise<(Change | undefined)[]> {
      const heard: (Change | undefined)[] = []
      let listening = true
      store.changes.onChange(change => {
        if (listening) heard.push(change)
      })
      await work()
      listening = false
      return heard
    }

    describe('of an authority', () => {
      it('are listed oldest first with everything, of their tenant alone', async () => {
        const [tenant, other] = [await newTenant(), await newTenant()]
        const root = anAuthority(tenant, { role: 'root', issuerId: undefined, sealedKey: undefined })
        const issuing = anAuthority(tenant, { createdAt: someTime + 5, retireAt: someTime + 9 })
        await store.write(async ({ authorities }) => {
          await authorities.insert(issuing)
          await authorities.insert(root)
          await authorities.insert(anAuthority(other))
        })
        assert.deepEqual(await store.read.authorities.list(tenant.id), [root, issuing])
      })
      it('get an end, are deleted, and each change is announced', async () => {
        const tenant = await newTenant()
        const root = anAuthority(tenant, { role: 'root' })
        const change = { kind: 'authority', tenantId: tenant.id, id: root.id }
        const heard = await announced(async () => {
          await store.write(({ authorities }) => authorities.insert(root))
          await store.write(({ authorities }) => authorities.setRetireAt(root, someTime + 7))
          assert.equal((await store.read.authorities.list(tenant.id))[0]?.retireAt, someTime + 7)
          await store.write(({ authorities }) => authorities.delete(root))
        })
        assert.deepEqual(await store.read.authorities.list(tenant.id), [])
        assert.deepEqual(
          heard.map(one => one && { kind: one.kind, tenantId: one.tenantId, id: one.id }),
          [change, change, change],
        )
      })
      it('have revocation lists that count up, of which the last one stays', async () => {
        const tenant = await newTenant()
        const [one, two] = [anAuthority(tenant), anAuthority(tenant)]
        await store.write(async ({ authorities }) => {
          await authorities.insert(one)
          await authorities.insert(two)
        })
        const next = (id: string) => store.write(({ authorities }) => authorities.nextCrlNumber(id))
        assert.deepEqual([await next(one.id), await next(one.id), await next(two.id)], [1, 2, 1])
        const crl = { der: randomBytes(500), thisUpdate: someTime, nextUpdate: someTime + 1 }
        const later = { der: randomBytes(5), thisUpdate: someTime + 2, nextUpdate: someTime + 3 }
        await store.write(({ authorities }) => authorities.putCrl(one, crl))
        assert.deepEqual(await store.read.authorities.crl(one.id), crl)
        await store.write(({ authorities }) => authorities.putCrl(one, later))
        assert.deepEqual(await store.read.authorities.crl(one.id), later)
        assert.equal(await store.read.authorities.crl(two.id), undefined)
      })
    })

    describe('that were issued', () => {
      it('are found by serial number and by thumbprint, in their tenant alone', async () => {
        const [tenant, other] = [await newTenant(), await newTenant()]
        const [authority, theirs] = [anAuthority(tenant), anAuthority(other)]
        const [first, second] = [
          anIssued(authority, { credentialId: 'k' }),
          anIssued(authority, { credentialId: 'k', notBefore: someTime + 5 }),
        ]
        await store.write(async ({ authorities, issued }) => {
          await authorities.insert(authority)
          await authorities.insert(theirs)
          await issued.insert(first)
          await issued.insert(second)
          await issued.insert(anIssued(theirs, { serial: first.serial, thumbprint: first.thumbprint }))
        })
        const { issued } = store.read
        assert.deepEqual(await issued.bySerial(authority.id, first.serial), first)
        assert.deepEqual(await issued.bySerialIn(tenant.id, second.serial), second)
        assert.deepEqual(await issued.byThumbprint(tenant.id, first.thumbprint), first)
        assert.equal(await issued.bySerial(theirs.id, second.serial), undefined)
        assert.equal(await issued.bySerialIn(other.id, second.serial), undefined)
        assert.equal(await issued.byThumbprint(other.id, second.thumbprint), undefined)
        assert.deepEqual(await issued.ofCredential('k'), [second, first])
      })
      it('cannot share a serial number of one authority, nor a thumbprint', async () => {
        const authority = anAuthority(await newTenant())
        const one = anIssued(authority)
        await store.write(async ({ authorities, issued }) => {
          await authorities.insert(authority)
          await issued.insert(one)
        })
        for (const same of [{ serial: one.serial }, { thumbprint: one.thumbprint }])
          await assert.rejects(store.write(({ issued }) => issued.insert(anIssued(authority, same))))
      })
      it('are revoked once, which makes the revocation list outdated and is announced', async () => {
        const tenant = await newTenant()
        const authority = anAuthority(tenant)
        const [one, expired, good] = [
          anIssued(authority),
          anIssued(authority, { notAfter: someTime - 1 }),
          anIssued(authority),
        ]
        await store.write(async ({ authorities, issued }) => {
          await authorities.insert(authority)
          for (const each of [one, expired, good]) await issued.insert(each)
          await authorities.putCrl(authority, { der: randomBytes(5), thisUpdate: 1, nextUpdate: 2 })
        })
        const heard = await announced(() =>
          store.write(async ({ issued }) => {
            await issued.revoke(one, 'keyCompromise', someTime)
            await issued.revoke(expired, 'superseded', someTime)
          }),
        )
        assert.ok(heard.length > 0 && heard.every(change => change?.id === authority.id))
        assert.equal(await store.read.authorities.crl(authority.id), undefined)
        await store.write(({ issued }) => issued.revoke(one, 'superseded', someTime + 5))
        const revoked = { revokedAt: someTime, reason: 'keyCompromise' } as const
        assert.deepEqual(await store.read.issued.bySerial(authority.id, one.serial), { ...one, ...revoked })
        const page = { after: '', most: 10 }
        assert.deepEqual(await store.read.issued.revoked(authority.id, someTime, page), [
          { serial: one.serial, ...revoked },
        ])
        assert.equal(await store.read.issued.countRevoked(authority.id, someTime), 1)
        assert.equal(await store.read.issued.countRevoked(authority.id, someTime - 1), 2)
      })
      it('are read page by page in the order of their serial numbers where many are revoked', async () => {
        const authority = anAuthority(await newTenant())
        const many = Array.from({ length: 7 }, () => anIssued(authority))
        await store.write(async ({ authorities, issued }) => {
          await authorities.insert(authority)
          for (const each of many) {
            await issued.insert(each)
            await issued.revoke(each, 'unspecified', someTime)
          }
        })
        const read: string[] = []
        for (let page = [''], most = 3; page.length > 0; ) {
          const after = read.at(-1) ?? ''
          page = (await store.read.issued.revoked(authority.id, someTime, { after, most })).map(
            one => one.serial,
          )
          assert.ok(page.length <= most)
          read.push(...page)
        }
        assert.deepEqual(read, many.map(({ serial }) => serial).sort())
      })
      it('stay on record when their key goes, and go when they have expired long ago', async () => {
        const tenant = await newTenant()
        const { key } = await newKey(tenant)
        const authority = anAuthority(tenant)
        const old = anIssued(authority, { credentialId: key.id, notAfter: 1000 })
        const kept = anIssued(authority, { credentialId: key.id })
        await store.write(async ({ authorities, issued, keys }) => {
          await authorities.insert(authority)
          await issued.insert(old)
          await issued.insert(kept)
          await keys.delete(key)
        })
        assert.equal((await store.read.issued.ofCredential(key.id)).length, 2)
        await store.write(({ issued }) => issued.deleteOlderThan(1001))
        assert.deepEqual(await store.read.issued.ofCredential(key.id), [kept])
      })
    })

    describe('of service keys', () => {
      it('are listed with everything, the oldest first, of one key and of several', async () => {
        const tenant = await newTenant()
        const [one, two] = [await newKey(tenant), await newKey(tenant)]
        const late = aKeyCertificate(one.key, { notBefore: someTime + 5, acceptedUntil: someTime + 6 })
        const early = aKeyCertificate(one.key)
        const other = aKeyCertificate(two.key, { notBefore: someTime + 1 })
        await store.write(async ({ keyCertificates }) => {
          await keyCertificates.insert(late, one.key.clientId)
          await keyCertificates.insert(early, one.key.clientId)
          await keyCertificates.insert(other, two.key.clientId)
        })
        const { keyCertificates } = store.read
        assert.deepEqual(await keyCertificates.list(one.key.id), [early, late])
        assert.deepEqual(await keyCertificates.listOf([one.key.id, two.key.id]), [early, other, late])
        assert.deepEqual(await keyCertificates.listOf([]), [])
        const many = Array.from({ length: 1000 }, someId)
        assert.deepEqual(await keyCertificates.listOf([...many, two.key.id]), [other])
        assert.deepEqual(await keyCertificates.find(tenant.id, other.thumbprint), {
          ...other,
          pinned: true,
          instanceName: two.instance.name,
          keyName: two.key.name,
        })
        assert.equal(await keyCertificates.find(someId(), other.thumbprint), undefined)
      })
      it('identify one key of a tenant, and go with it', async () => {
        const [tenant, elsewhere] = [await newTenant(), await newTenant()]
        const [one, two, theirs] = [await newKey(tenant), await newKey(tenant), await newKey(elsewhere)]
        const held = aKeyCertificate(one.key)
        const insert = (certificate: KeyCertificate) =>
          store.write(({ keyCertificates }) => keyCertificates.insert(certificate, 'sb'))
        await insert(held)
        await assert.rejects(insert(aKeyCertificate(two.key, { thumbprint: held.thumbprint })))
        await insert(aKeyCertificate(theirs.key, { thumbprint: held.thumbprint }))
        const client = await store.read.clients.byCertificate(tenant.id, held.thumbprint)
        assert.equal(client?.credentialId, one.key.id)
        assert.deepEqual(client.certificates, [
          {
            thumbprint: held.thumbprint,
            notBefore: held.notBefore,
            notAfter: held.notAfter,
            acceptedUntil: undefined,
            ended: undefined,
            endedAt: undefined,
          },
        ])
        await store.write(({ keys }) => keys.delete(one.key))
        assert.equal(await store.read.clients.byCertificate(tenant.id, held.thumbprint), undefined)
        await insert(aKeyCertificate(two.key, { thumbprint: held.thumbprint }))
      })
      it('end, are accepted for a while, are forgotten, and each change is announced as one of their key', async () => {
        const { key } = await newKey(await newTenant())
        const [one, two] = [aKeyCertificate(key), aKeyCertificate(key, { notBefore: someTime + 1 })]
        const heard = await announced(async () => {
          for (const each of [one, two])
            await store.write(({ keyCertificates }) => keyCertificates.insert(each, key.clientId))
          await store.write(({ keyCertificates: table }) =>
            table.end(one, 'superseded', someTime, key.clientId),
          )
          await store.write(({ keyCertificates: table }) => table.setAcceptedUntil(two, 5, key.clientId))
          assert.deepEqual(await store.read.keyCertificates.list(key.id), [
            { ...one, ended: 'superseded', endedAt: someTime },
            { ...two, acceptedUntil: 5 },
          ])
          await store.write(({ keyCertificates: table }) => table.delete(one, key.clientId))
        })
        assert.deepEqual(
          (await store.read.keyCertificates.list(key.id)).map(({ thumbprint }) => thumbprint),
          [two.thumbprint],
        )
        assert.equal(heard.length, 5)
        for (const change of heard) {
          assert.equal(change?.kind, 'credential')
          assert.deepEqual([change.id, change.detail], [key.id, key.clientId])
        }
      })
      it('are found by their names while they have not ended', async () => {
        const tenant = await newTenant()
        const [one, two] = [await newKey(tenant), await newKey(tenant, { pinned: false })]
        const names = someId()
        const first = aKeyCertificate(one.key, { names })
        await store.write(async ({ keyCertificates: table }) => {
          await table.insert(first, 'sb')
          await table.insert(aKeyCertificate(two.key, { names }), 'sb')
          await table.insert(aKeyCertificate(two.key, { names }), 'sb')
        })
        const found = async () =>
          (await store.read.keyCertificates.withNames(tenant.id, names)).map(owner => [
            owner.keyName,
            owner.pinned,
          ])
        assert.deepEqual(
          (await found()).sort(),
          [
            [one.key.name, true],
            [two.key.name, false],
          ].sort(),
        )
        await store.write(({ keyCertificates: table }) => table.end(first, 'revoked', 1, 'sb'))
        assert.deepEqual(await found(), [[two.key.name, false]])
      })
      it('are told of when they end, unless they have ended otherwise or have a successor', async () => {
        const tenant = await newTenant()
        const { instance, key } = await newKey(tenant)
        const ends = (notAfter: number, more: Partial<KeyCertificate> = {}) =>
          aKeyCertificate(key, { notBefore: 1, notAfter, ...more })
        const [late, early] = [ends(2000), ends(1000)]
        await store.write(async ({ keyCertificates: table }) => {
          for (const each of [
            late,
            early,
            ends(3000),
            ends(1000, { acceptedUntil: 5 }),
            ends(1000, { ended: 'revoked', endedAt: 1 }),
          ])
            await table.insert(each, key.clientId)
        })
        const ending = await store.read.keyCertificates.endingBefore(3000)
        assert.deepEqual(
          ending.filter(({ tenantName }) => tenantName === tenant.name),
          [early, late].map(({ thumbprint, notAfter }) => ({
            tenantName: tenant.name,
            instanceName: instance.name,
            keyName: key.name,
            clientId: key.clientId,
            thumbprint,
            notAfter,
          })),
        )
      })
      it('are found by the authorities that issued them while they are in use', async () => {
        const tenant = await newTenant()
        const { key } = await newKey(tenant)
        const [authority, other] = [anAuthority(tenant), anAuthority(tenant)]
        const hold = (more: Partial<KeyCertificate> = {}, by = authority) => {
          const certificate = aKeyCertificate(key, { notAfter: someTime + 50, ...more })
          return store.write(async ({ issued, keyCertificates }) => {
            const { thumbprint, notAfter } = certificate
            await issued.insert(anIssued(by, { thumbprint, notAfter, credentialId: key.id }))
            await keyCertificates.insert(certificate, key.clientId)
            return thumbprint
          })
        }
        await store.write(async ({ authorities }) => {
          await authorities.insert(authority)
          await authorities.insert(other)
        })
        const used = await hold()
        const elsewhere = await hold({}, other)
        await hold({ notAfter: someTime + 49 })
        await hold({ acceptedUntil: someTime + 70 })
        await hold({ ended: 'revoked', endedAt: someTime })
        const { keyCertificates } = store.read
        const found = async (ids: string[], tenantId = tenant.id) =>
          (await keyCertificates.issuedBy(tenantId, ids, someTime + 50)).map(one => one.thumbprint)
        assert.deepEqual(await found([authority.id]), [used])
        assert.deepEqual((await found([authority.id, other.id])).sort(), [used, elsewhere].sort())
        assert.deepEqual(await found([]), [])
        assert.deepEqual(await found([authority.id], someId()), [])
      })
      it('may be named by what they have instead; a digest belongs to one key', async () => {
        const tenant = await newTenant()
        const [one, two] = [await newKey(tenant), await newKey(tenant)]
        const match = {
          tenantId: tenant.id,
          digest: someId(),
          kind: 'san_dns',
          credentialId: one.key.id,
        } as const
        await store.write(({ keyMatches }) => keyMatches.insert(match))
        await assert.rejects(
          store.write(({ keyMatches }) => keyMatches.insert({ ...match, credentialId: two.key.id })),
        )
        const { keyMatches } = store.read
        assert.deepEqual(await keyMatches.find(tenant.id, [someId(), match.digest]), [match])
        assert.deepEqual(await keyMatches.find(someId(), [match.digest]), [])
        assert.deepEqual(await keyMatches.find(tenant.id, []), [])
        await store.write(({ keys }) => keys.delete(one.key))
        assert.deepEqual(await keyMatches.find(tenant.id, [match.digest]), [])
      })
      it('are asked for with a number of days that can change; a secret has one before it for a while', async () => {
        const { instance, key } = await newKey(await newTenant(), { validityDays: 365 })
        await store.write(({ keys }) => keys.setValidityDays(key, 30))
        assert.deepEqual(await store.read.keys.byId(key.id), { ...key, validityDays: 30 })
        const secret = aKey(instance)
        const digest = randomBytes(32)
        await store.write(async ({ keys }) => {
          await keys.insert(secret)
          await keys.replaceSecret(secret, digest, someTime + 8)
        })
        const rotated = await store.read.keys.byId(secret.id)
        assert.deepEqual(
          [rotated?.secretDigest, rotated?.previousSecretDigest, rotated?.previousSecretUntil],
          [digest, secret.secretDigest, someTime + 8],
        )
        const client = await store.read.clients.byClientId(secret.tenantId, secret.clientId)
        assert.deepEqual(client?.previousSecret, { digest: secret.secretDigest, until: someTime + 8 })
      })
    })

    describe('that are trusted', () => {
      it('are put, set anew, counted, listed and deleted, each announced', async () => {
        const [tenant, other] = [await newTenant(), await newTenant()]
        const one = aTrusted(tenant)
        const two = aTrusted(tenant, { role: 'intermediate', revocation: 'off', addedAt: someTime + 1 })
        const heard = await announced(async () => {
          for (const each of [two, one, { ...one, tenantId: other.id }])
            await store.write(({ trust }) => trust.put(each))
        })
        assert.equal(heard.length, 3)
        assert.ok(heard.every(change => change?.kind === 'trust'))
        assert.deepEqual(await store.read.trust.list(tenant.id), [one, two])
        const anew = { crlUrl: 'http://crl.example/', ocspUrl: undefined, revocation: 'hard' } as const
        await store.write(({ trust }) => trust.put({ ...one, ...anew, addedAt: someTime + 9 }))
        assert.deepEqual(await store.read.trust.list(tenant.id), [{ ...one, ...anew }, two])
        assert.equal(await store.read.trust.count(tenant.id), 2)
        await store.write(({ trust }) => trust.delete(tenant.id, one.fingerprint))
        assert.deepEqual(await store.read.trust.list(tenant.id), [two])
        assert.equal(await store.read.trust.count(other.id), 1)
      })
    })

    it('go with their tenant', async () => {
      const tenant = await newTenant()
      const authority = anAuthority(tenant)
      const { key } = await newKey(tenant)
      const held = aKeyCertificate(key)
      await store.write(async ({ authorities, issued, trust, keyCertificates, tenants }) => {
        await authorities.insert(authority)
        await authorities.putCrl(authority, { der: randomBytes(5), thisUpdate: 1, nextUpdate: 2 })
        await issued.insert(anIssued(authority, { credentialId: key.id }))
        await trust.put(aTrusted(tenant))
        await keyCertificates.insert(held, key.clientId)
        await tenants.delete(tenant.id)
      })
      assert.deepEqual(await store.read.authorities.list(tenant.id), [])
      assert.equal(await store.read.authorities.crl(authority.id), undefined)
      assert.deepEqual(await store.read.issued.ofCredential(key.id), [])
      assert.deepEqual(await store.read.trust.list(tenant.id), [])
      assert.deepEqual(await store.read.keyCertificates.list(key.id), [])
    })
  })
}
