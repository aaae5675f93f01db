import { hash } from 'node:crypto'
import type { PresentedCertificate } from '../../guard/presented-certificate.ts'
import type { AuthorityDirectory, IssuedCertificateTable } from '../authority/index.ts'
import { BoundedCache } from '../cache.ts'
import { type Context, iso, second } from '../context.ts'
import type { ChangeFeed } from '../store.ts'
import { type Known, readKnown } from './known.ts'
import type { RevocationChecking } from './revocation.ts'
import { authorityId } from './settings.ts'
import type { TrustTable } from './store.ts'
import { validate } from './validate.ts'
import { newCertificate, type TrustedPath, untrusted, type Verdict } from './verdict.ts'

/** Whom the tenants trust to vouch for senders. */
export interface Trust {
  /**
   * Is the certificate good for authenticating a client of the tenant, now (RFC 5280 section 6)? Names say nothing
   * about who the client is; that is for the registered certificates. Waits only for what is not in memory.
   */
  evaluate(tenantId: string, presented: PresentedCertificate): Verdict | Promise<Verdict>
}

export interface TrustDependencies {
  readonly table: TrustTable
  readonly authorities: AuthorityDirectory
  readonly issued: Pick<IssuedCertificateTable, 'byThumbprint'>
  readonly revocation: RevocationChecking
  readonly context: Pick<Context, 'now'>
}

/** A verdict, and until when others stand by it. */
interface Judged {
  readonly verdict: Verdict
  readonly until: number
}

interface Remembered extends Judged {
  readonly from: number
}

const rememberedPaths = 10_000
/** A refusal is looked at again after so long: what was not yet valid may be, a list may have come. */
const refusalMs = 10 * second

export function createTrust(
  { table, authorities, issued, revocation, context }: TrustDependencies,
  changes: ChangeFeed,
): Trust {
  const known = new Map<string, Known>()
  const verdicts = new BoundedCache<Remembered>(rememberedPaths)
  /** Counts the changes that may turn a verdict: of all tenants, and of each. */
  const epochs = new Map<string, number>()
  let epochOfAll = 0
  const epochOf = (tenantId: string) => `${epochOfAll} ${epochs.get(tenantId) ?? 0}`
  changes.onChange(change => {
    if (change && change.kind !== 'trust' && change.kind !== 'authority' && change.kind !== 'tenant') return
    if (change) {
      epochs.set(change.tenantId, (epochs.get(change.tenantId) ?? 0) + 1)
      known.delete(change.tenantId)
    } else {
      epochOfAll++
      known.clear()
    }
  })

  async function load(tenantId: string): Promise<Known> {
    const started = epochOf(tenantId)
    const found = await readKnown(tenantId, context.now(), { table, authorities })
    if (started === epochOf(tenantId)) known.set(tenantId, found)
    return found
  }

  function evaluateWith(
    what: Known,
    tenantId: string,
    presented: PresentedCertificate,
  ): Judged | Promise<Judged> {
    const now = context.now()
    const { until } = what
    const verdict = validate(what, presented, now)
    if (!verdict.ok) return { verdict, until }
    if (what.own.has(authorityId(verdict.chain[1] ?? verdict.leaf)))
      return withoutRevoked(verdict, tenantId, presented).then(found => ({ verdict: found, until }))
    const asked = revocation.check(verdict.chain, what.settings, now)
    if (asked === undefined) return { verdict, until }
    return asked.then(({ refusal, until: askAgain }) => ({
      verdict: refusal ? { ...refusal, ok: false, selfSigned: false } : verdict,
      until: Math.min(until, askAgain),
    }))
  }

  async function withoutRevoked(
    verdict: TrustedPath,
    tenantId: string,
    { thumbprint }: PresentedCertificate,
  ): Promise<Verdict> {
    const record = await issued.byThumbprint(tenantId, thumbprint)
    return record?.revokedAt === undefined
      ? verdict
      : untrusted('revoked', `the certificate was revoked on ${iso(record.revokedAt)}`, newCertificate, false)
  }

  function remember(key: string, { verdict, until }: Judged): Verdict {
    const now = context.now()
    verdicts.set(key, {
      verdict,
      from: verdict.ok ? Math.max(...verdict.chain.map(({ notBefore }) => notBefore)) : now,
      until: verdict.ok ? Math.min(until, ...verdict.chain.map(({ notAfter }) => notAfter)) : now + refusalMs,
    })
    return verdict
  }

  async function evaluateSlowly(tenantId: string, presented: PresentedCertificate): Promise<Verdict> {
    // What is found out while trust changes is remembered under the state that it began with, which nobody asks for.
    const key = keyOf(tenantId, presented)
    const what = known.get(tenantId) ?? (await load(tenantId))
    return remember(key, await evaluateWith(what, tenantId, presented))
  }

  const keyOf = (tenantId: string, presented: PresentedCertificate) =>
    `${epochOf(tenantId)} ${tenantId} ${pathKey(presented)}`

  return {
    evaluate(tenantId, presented) {
      const now = context.now()
      const remembered = verdicts.get(keyOf(tenantId, presented))
      if (remembered && now >= remembered.from && now <= remembered.until) return remembered.verdict
      const what = known.get(tenantId)
      if (what && now >= what.until) known.delete(tenantId)
      return evaluateSlowly(tenantId, presented)
    },
  }
}

const pathKeys = new WeakMap<PresentedCertificate, string>()

/** Tells apart what was presented: the leaf alone does not, because the rest of the chain decides as well. */
function pathKey(presented: PresentedCertificate): string {
  const made = pathKeys.get(presented)
  if (made !== undefined) return made
  const key =
    presented.chain.length === 0
      ? presented.thumbprint
      : `${presented.thumbprint}.${hash('sha256', Buffer.concat([...presented.chain]), 'base64url')}`
  pathKeys.set(presented, key)
  return key
}
