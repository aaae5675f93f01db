import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { Certificate } from '../../crypto/certificate.ts'
import type { Addresses } from '../addresses.ts'
import type { Context } from '../context.ts'
import type { Tenant } from '../tenant.ts'
import type { Vault } from '../vault.ts'
import { type AuthorityMember, authorityKeyContext } from './directory.ts'
import { type Issuer, type IssuerAddresses, issueFrom, profiles } from './profiles.ts'
import type { AuthorityCertificate } from './store.ts'

/** What making certificates of an authority needs. */
export interface Making {
  readonly vault: Vault
  readonly addresses: Addresses
  readonly context: Pick<Context, 'now' | 'random'>
}

interface Made {
  readonly row: AuthorityCertificate
  readonly certificate: Certificate
  readonly key: KeyObject
}

/** A new authority of a tenant: a root, and the intermediate that issues from `activeFrom` on. */
export function makeAuthority(
  tenant: Pick<Tenant, 'id' | 'name'>,
  activeFrom: number,
  making: Making,
): AuthorityCertificate[] {
  const rootKey = newKey('secp384r1')
  const rootId = newAuthorityId(making)
  const certificate = issueFrom(
    'root',
    {
      subject: nameOf('Root CA', rootId, tenant),
      publicKey: createPublicKey(rootKey),
      days: profiles.root.longestDays,
    },
    { selfKey: rootKey },
    making.context,
  )
  const root = finish(tenant, { id: rootId, role: 'root', certificate, key: rootKey, activeFrom }, making)
  return [root.row, makeIssuing(tenant, root, activeFrom, making)]
}

/** A new issuing intermediate under a root. */
export function makeIssuing(
  tenant: Pick<Tenant, 'id' | 'name'>,
  root: {
    readonly row: Pick<AuthorityCertificate, 'id'>
    readonly certificate: Certificate
    readonly key: KeyObject
  },
  activeFrom: number,
  making: Making,
): AuthorityCertificate {
  const key = newKey('prime256v1')
  const id = newAuthorityId(making)
  const certificate = issueFrom(
    'issuing',
    {
      subject: nameOf('Issuing CA', id, tenant),
      publicKey: createPublicKey(key),
      days: profiles.issuing.longestDays,
    },
    { certificate: root.certificate, key: root.key, addresses: issuerAddresses(tenant, root.row.id, making) },
    making.context,
  )
  return finish(tenant, { id, role: 'issuing', issuerId: root.row.id, certificate, key, activeFrom }, making)
    .row
}

/** A certificate that answers about revocation for an issuing one (RFC 6960 section 4.2.2.2). */
export function makeResponder(
  tenant: Pick<Tenant, 'id' | 'name'>,
  issuing: AuthorityMember,
  making: Making,
): AuthorityCertificate {
  const key = newKey('prime256v1')
  const id = newAuthorityId(making)
  const certificate = issueFrom(
    'ocsp',
    {
      subject: nameOf('OCSP responder', id, tenant),
      publicKey: createPublicKey(key),
      days: profiles.ocsp.longestDays,
    },
    issuerFor(tenant, issuing, making),
    making.context,
  )
  const activeFrom = making.context.now()
  return finish(tenant, { id, role: 'ocsp', issuerId: issuing.id, certificate, key, activeFrom }, making).row
}

/** A member as the issuer of something new. */
export function issuerFor(
  tenant: Pick<Tenant, 'name'>,
  member: AuthorityMember,
  making: Pick<Making, 'addresses'>,
): Issuer {
  return {
    certificate: member.certificate,
    key: member.key(),
    addresses: issuerAddresses(tenant, member.id, making),
  }
}

function issuerAddresses(
  tenant: Pick<Tenant, 'name'>,
  id: string,
  { addresses }: Pick<Making, 'addresses'>,
): IssuerAddresses {
  const pki = addresses.pki(tenant)
  return { certificate: `${pki}/certs/${id}.cer`, crl: `${pki}/crl/${id}.crl`, ocsp: `${pki}/ocsp` }
}

export const newAuthorityId = ({ context }: Pick<Making, 'context'>): string =>
  context.random(8).toString('hex')

const nameOf = (what: string, id: string, tenant: Pick<Tenant, 'name'>) => [
  { type: 'O', value: tenant.name },
  { type: 'CN', value: `Countersign ${what} ${id.slice(0, 8)}` },
]

function newKey(namedCurve: string): KeyObject {
  return generateKeyPairSync('ec', { namedCurve }).privateKey
}

/** A member's row, with its key sealed. */
export function sealMember(
  tenant: Pick<Tenant, 'id'>,
  {
    key,
    certificate,
    issuerId,
    ...rest
  }: {
    readonly id: string
    readonly role: AuthorityCertificate['role']
    readonly issuerId?: string | undefined
    readonly certificate: Certificate
    readonly key: KeyObject | undefined
    readonly activeFrom: number
  },
  { vault, context }: Pick<Making, 'vault' | 'context'>,
): AuthorityCertificate {
  const named = { tenantId: tenant.id, id: rest.id }
  return {
    ...rest,
    tenantId: tenant.id,
    issuerId,
    der: certificate.raw,
    sealedKey: key && vault.seal(authorityKeyContext(named), key.export({ format: 'der', type: 'pkcs8' })),
    createdAt: context.now(),
    retireAt: undefined,
  }
}

function finish(
  tenant: Pick<Tenant, 'id'>,
  made: Parameters<typeof sealMember>[1] & { readonly key: KeyObject },
  making: Making,
): Made {
  return { row: sealMember(tenant, made, making), certificate: made.certificate, key: made.key }
}
