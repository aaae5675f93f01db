import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { algorithm } from '../../crypto/algorithms.ts'
import { type JwtSigner, jwtSigner } from '../../crypto/jwt.ts'
import type { VerificationKey } from '../../guard/access-token.ts'
import type { Context } from '../context.ts'
import type { ChangeFeed } from '../store.ts'
import type { Vault } from '../vault.ts'
import { keyCertificate } from './key-certificate.ts'
import { createSealer, type Sealer } from './sealer.ts'
import type { KeyLine, TenantKey, TenantKeyTable } from './store.ts'

/** The lines of keys that sign. */
export type SigningLine = Exclude<KeyLine, 'enc'>

/** A header that JWTs get beside `alg` and `kid`: the same for each of a name. */
export interface HeaderForm {
  readonly name: string
  /** `certificate`: of the key that signs, made by itself; of RSA keys alone. */
  header(certificate: () => Buffer): Readonly<Record<string, string>>
}

/** The keys of one tenant, imported once and used until a change of theirs is announced. */
export interface Keyring {
  /** Is there a key of this line that may sign? */
  signs(line: SigningLine, now: number): boolean
  signer(line: SigningLine, form: HeaderForm, now: number): JwtSigner
  /** The key of this line that `kid` names. */
  verificationKey(line: SigningLine, kid: unknown, now: number): VerificationKey | undefined
  sealer(now: number): { readonly keyId: string; readonly sealer: Sealer }
  opener(keyId: string, now: number): Sealer | undefined
  /** Does this key still vouch for tokens? */
  isLive(keyId: string, now: number): boolean
  /** The JWK set to publish (RFC 7517 section 5); of one line, or all. Newest first. */
  publicKeys(now: number, line?: SigningLine): readonly PublicKey[]
  /** The certificate that a key of line `rs256` has made of itself. */
  certificateOf(kid: string): Buffer | undefined
  /** The key that signs now. */
  activePublicKey(line: SigningLine, now: number): PublicKey | undefined
}

export interface PublicKey {
  readonly kid: string
  readonly alg: string
  readonly use: 'sig'
  readonly [member: string]: string
}

export interface Keyrings {
  of(tenantId: string): Keyring | Promise<Keyring>
  /** As the store has it now, announced or not. */
  reload(tenantId: string): Promise<Keyring>
}

/** Keeps the keyrings of all tenants in memory. */
export function createKeyrings(
  table: TenantKeyTable,
  vault: Vault,
  changes: ChangeFeed,
  context: Pick<Context, 'random'>,
): Keyrings {
  const rings = new Map<string, Keyring>()
  let epoch = 0
  changes.onChange(change => {
    if (change && change.kind !== 'tenant-key' && change.kind !== 'tenant') return
    epoch++
    if (change) rings.delete(change.tenantId)
    else rings.clear()
  })

  async function load(tenantId: string): Promise<Keyring> {
    const started = epoch
    const ring = createKeyring(await table.list(tenantId), vault, context)
    if (started === epoch) rings.set(tenantId, ring)
    return ring
  }

  return { of: tenantId => rings.get(tenantId) ?? load(tenantId), reload: load }
}

/** What a sealed tenant key is sealed as. */
export function tenantKeyContext(key: Pick<TenantKey, 'id' | 'tenantId' | 'use'>): string {
  return `tenant key ${key.use} ${key.tenantId} ${key.id}`
}

function createKeyring(rows: readonly TenantKey[], vault: Vault, context: Pick<Context, 'random'>): Keyring {
  const newestFirst = rows.toSorted((a, b) => b.activeFrom - a.activeFrom || b.createdAt - a.createdAt)
  const openRow = (row: TenantKey) => vault.open(tenantKeyContext(row), row.sealed)
  const signing = newestFirst
    .filter((row): row is SigningRow => row.use !== 'enc')
    .map(row => importSigningKey(row, openRow))
  const sealing = newestFirst
    .filter(row => row.use === 'enc')
    .map(row => ({ row, sealer: createSealer(row.id, openRow(row), context) }))
  const verifying = new Map(signing.map(key => [key.row.id, key]))
  const opening = new Map(sealing.map(key => [key.row.id, key]))

  const active = (line: SigningLine, now: number) =>
    signing.find(({ row }) => row.use === line && row.activeFrom <= now)

  return {
    signs: (line, now) => active(line, now) !== undefined,
    signer: (line, form, now) => (active(line, now) ?? missing('signing')).signer(form),
    verificationKey(line, kid, now) {
      const key = typeof kid === 'string' ? verifying.get(kid) : undefined
      return key?.row.use === line && isLive(key.row, now) ? key.verification : undefined
    },
    sealer(now) {
      const { row, sealer } = sealing.find(key => key.row.activeFrom <= now) ?? missing('token')
      return { keyId: row.id, sealer }
    },
    opener(keyId, now) {
      const key = opening.get(keyId)
      return key && isLive(key.row, now) ? key.sealer : undefined
    },
    isLive(keyId, now) {
      const row = (verifying.get(keyId) ?? opening.get(keyId))?.row
      return row !== undefined && isLive(row, now)
    },
    publicKeys: (now, line) =>
      signing
        .filter(({ row }) => isLive(row, now) && (line === undefined || row.use === line))
        .map(key => key.published),
    certificateOf(kid) {
      const key = verifying.get(kid)
      return key?.row.use === 'rs256' ? key.certificate() : undefined
    },
    activePublicKey: (line, now) => active(line, now)?.published,
  }
}

const isLive = (row: TenantKey, now: number) => row.retireAt === undefined || now < row.retireAt

function missing(what: string): never {
  throw new Error(`the tenant has no active ${what} key`)
}

type SigningRow = TenantKey & { readonly use: SigningLine }

function importSigningKey(row: SigningRow, openRow: (row: TenantKey) => Buffer) {
  const alg = algorithm(row.algorithm)
  if (!alg) throw new Error(`signing key ${row.id} is of unknown algorithm ${row.algorithm}`)
  const key: KeyObject = createPrivateKey({ key: openRow(row), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key)
  const published: PublicKey = {
    ...JSON.parse(row.publicJwk!),
    kid: row.id,
    alg: alg.name,
    use: 'sig',
    // What clients of UAA read instead of the members of the JWK.
    ...(row.use === 'rs256' && {
      value: publicKey.export({ type: 'spki', format: 'pem' }).toString().trim(),
    }),
  }
  const verification: VerificationKey = { algorithm: alg, key: publicKey }
  let made: Buffer | undefined
  const certificate = (): Buffer => {
    made ??= keyCertificate(row, key, publicKey)
    return made
  }
  // Headers are encoded once a key, not once a token.
  const signers = new Map<string, JwtSigner>()
  return {
    row,
    verification,
    published,
    certificate,
    signer({ name, header }: HeaderForm): JwtSigner {
      let signer = signers.get(name)
      if (!signer) {
        signer = jwtSigner(alg, key, { kid: row.id, ...header(certificate) })
        signers.set(name, signer)
      }
      return signer
    },
  }
}
