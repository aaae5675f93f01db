import { hash } from 'node:crypto'
import { encodePem } from '../../crypto/pem.ts'
import type { CallCredentials, ConnectionSettings, OutboundAccess, ShownCertificate } from '../calls.ts'
import { type KeystoreTable, whyOutOfDate } from '../keystore/index.ts'
import type { SecurityMaterial, SecurityMaterials } from '../material/index.ts'
import { isProblem, Problem } from '../problem.ts'
import { after, type Soon } from '../soon.ts'
import type { ChangeFeed } from '../store.ts'
import type { Caller, CallerContext, Carried } from './callers/caller.ts'
import { callerOf, carries } from './callers/index.ts'
import { shownCertificate } from './shown-certificate.ts'

export interface OutboundDependencies extends Omit<CallerContext, 'tls'> {
  readonly materials: SecurityMaterials
  readonly table: Pick<KeystoreTable, 'list'>
  /** PEM of what this computer trusts. */
  readonly publicRoots: () => readonly string[]
}

/** The certificates of a keystore that have no private key there: trusted when others are called. */
interface Trusted {
  /** Digest of them all. */
  readonly id: string
  readonly pem: readonly string[]
}

/** Material in use, as it was when it was put to use. */
interface InUse {
  readonly material: SecurityMaterial
  readonly trusted: Trusted
  readonly caller: Caller
}

const mostInUse = 1000

/** The tenants' credentials for calling others: made ready on first use, kept, and made anew when they change. */
export function createOutboundAccess(deps: OutboundDependencies, changes: ChangeFeed): OutboundAccess {
  const { materials, keystore, table, publicRoots, context } = deps
  const trusted = new Map<string, Trusted>()
  const loading = new Map<string, Promise<Trusted>>()
  /** As last read, whether or not it still is so. */
  const latest = new Map<string, Trusted>()
  const inUse = new Map<string, InUse>()
  // What was read before a change must not be kept after it.
  let epoch = 0
  changes.onChange(change => {
    if (change && change.kind !== 'keystore' && change.kind !== 'tenant') return
    epoch++
    if (change) trusted.delete(change.tenantId)
    else trusted.clear()
  })

  /** One reading for all who wait; what has not changed stays the same object. */
  function loadTrusted(tenantId: string): Promise<Trusted> {
    const under = loading.get(tenantId) ?? readTrusted(tenantId).finally(() => loading.delete(tenantId))
    loading.set(tenantId, under)
    return under
  }

  async function readTrusted(tenantId: string): Promise<Trusted> {
    const started = epoch
    const entries = await table.list(tenantId)
    const ders = entries.filter(({ sealedKey }) => sealedKey === undefined).flatMap(({ chain }) => chain)
    const id = hash('sha256', Buffer.concat(ders), 'base64url')
    const before = latest.get(tenantId)
    const found = before?.id === id ? before : { id, pem: ders.map(der => encodePem('CERTIFICATE', der)) }
    latest.set(tenantId, found)
    if (started === epoch) trusted.set(tenantId, found)
    return found
  }

  function callerFor(material: SecurityMaterial, whom: Trusted): Caller | undefined {
    const known = inUse.get(material.id)
    if (known && known.trusted.id === whom.id && isSame(known.material, material)) return known.caller
    known?.caller.close()
    inUse.delete(material.id)
    const tls = whom.pem.length === 0 ? {} : { ca: [...publicRoots(), ...whom.pem] }
    const caller = callerOf(material, { ...deps, tls })
    if (!caller) return undefined
    const [oldest] = inUse
    if (oldest && inUse.size >= mostInUse) {
      oldest[1].caller.close()
      inUse.delete(oldest[0])
    }
    inUse.set(material.id, { material, trusted: whom, caller })
    return caller
  }

  /** By the name of security material, else by the alias of a key pair. */
  function carriedBy(tenantId: string, name: string, whom: Trusted): Soon<Carried | Problem> {
    return after(materials.find(tenantId, name), (material): Soon<Carried | Problem> => {
      if (!isProblem(material)) return callerFor(material, whom)?.carry() ?? notCarried(material)
      return after(keystore.find(tenantId, name), identity =>
        isProblem(identity)
          ? noneOf(name)
          : { certificate: shownCertificate(identity), outOfDate: whyOutOfDate(identity, context.now()) },
      )
    })
  }

  return {
    of: (tenantId, credential) =>
      after(trusted.get(tenantId) ?? loadTrusted(tenantId), whom =>
        credential === undefined
          ? credentialsOf({}, whom)
          : after(carriedBy(tenantId, credential, whom), carried =>
              isProblem(carried) ? carried : credentialsOf(carried, whom),
            ),
      ),
    connection: (tenantId, certificate) =>
      after(trusted.get(tenantId) ?? loadTrusted(tenantId), whom => connectionOf(certificate, whom)),
    async whyUnusable({ id }, credential) {
      const material = await materials.find(id, credential)
      if (!isProblem(material)) return carries(material) ? undefined : notCarried(material)
      const identity = await keystore.find(id, credential)
      return isProblem(identity) ? noneOf(credential) : undefined
    },
    close() {
      for (const { caller } of inUse.values()) caller.close()
      inUse.clear()
    },
  }
}

const asUsual: CallCredentials = { authorization: undefined, connection: undefined }

function credentialsOf(
  { authorization, certificate, rejected, outOfDate }: Carried,
  whom: Trusted,
): CallCredentials {
  const connection =
    certificate === undefined && whom.pem.length === 0 ? undefined : connectionOf(certificate, whom)
  if (authorization === undefined && connection === undefined) return asUsual
  return { authorization, connection, ...(rejected && { rejected }), ...(outOfDate && { outOfDate }) }
}

/** The same material may have been read more than once. */
const isSame = (one: SecurityMaterial, other: SecurityMaterial): boolean =>
  one === other ||
  (one.updatedAt === other.updatedAt && JSON.stringify(one.content) === JSON.stringify(other.content))

const connections = new WeakMap<Trusted, Map<string, ConnectionSettings>>()

/** The same object for the same certificate, so that nothing is digested for each message. */
function connectionOf(certificate: ShownCertificate | undefined, whom: Trusted): ConnectionSettings {
  const known = connections.get(whom) ?? new Map<string, ConnectionSettings>()
  connections.set(whom, known)
  const name = certificate?.cert ?? ''
  const found = known.get(name) ?? {
    id: `${whom.id} ${certificate === undefined ? '' : hash('sha256', `${certificate.cert}${certificate.key}`, 'base64url')}`,
    ca: whom.pem,
    certificate,
  }
  known.set(name, found)
  return found
}

const noneOf = (name: string): Problem =>
  new Problem('receiver_failed', 'the receiver cannot be called', {
    reason: `there is no security material and no key pair ${name}`,
    hint: 'See `countersign material list` and `countersign keystore list`.',
  })

const notCarried = ({ name, type }: SecurityMaterial): Problem =>
  new Problem('receiver_failed', 'the receiver cannot be called', {
    reason: `security material ${name} is a ${type}, with which no receiver is called`,
    hint: 'Take material of type user or oauth2-client-credentials, or a key pair of the keystore.',
  })
