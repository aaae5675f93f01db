import { hash } from 'node:crypto'
import { type Certificate, parseCertificate } from '../../crypto/certificate.ts'
import { DerError } from '../../crypto/der.ts'
import { formatName, nameEquals } from '../../crypto/names.ts'
import {
  type Anchor,
  anchorOf,
  type PathProblem,
  searchLimits,
  validatePath,
} from '../../crypto/path/index.ts'
import { verifySigned } from '../../crypto/signed.ts'
import { importSpki } from '../../crypto/spki.ts'
import type { PresentedCertificate } from '../../guard/presented-certificate.ts'
import {
  type AuthorityDirectory,
  type IssuedCertificateTable,
  intermediatesOf,
  rootsOf,
} from '../authority/index.ts'
import { BoundedCache } from '../cache.ts'
import { type Context, second } from '../context.ts'
import type { ChangeFeed } from '../store.ts'
import { fingerprintOf } from './fingerprint.ts'
import type { RevocationChecking } from './revocation.ts'
import type { TrustedCertificate, TrustTable } from './store.ts'

/** A certificate that a root of the tenant vouches for, now. */
export interface TrustedPath {
  readonly ok: true
  readonly leaf: Certificate
  /** From the leaf to the root. */
  readonly chain: readonly Certificate[]
}

/** Why a certificate is not good for authenticating anybody. */
export interface Untrusted {
  readonly ok: false
  /** A rule of path validation, or that the certificate cannot be read. */
  readonly rule: string
  /** For the operator: what is wrong, at which certificate. */
  readonly reason: string
  readonly hint: string
  /** Is it self-signed? Then a pin can make it good (RFC 8705 section 2.2). */
  readonly selfSigned: boolean
}

export type Verdict = TrustedPath | Untrusted

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

/** What is known of one tenant: anchors, and what may complete a chain. */
interface Known {
  readonly anchors: readonly Anchor[]
  readonly intermediates: readonly Certificate[]
  readonly settings: ReadonlyMap<string, TrustedCertificate>
  /** Fingerprints of the own authority's certificates that issue here: what they revoked is known here. */
  readonly own: ReadonlySet<string>
  /** When which root of the own authority was retired, by its subject. */
  readonly retired: ReadonlyMap<string, number>
  /** The earliest moment at which a root of the own authority retires. */
  readonly until: number
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
    const [rows, authority] = await Promise.all([table.list(tenantId), authorities.of(tenantId)])
    const now = context.now()
    const roots = rootsOf(authority, now)
    const trusted = rows.map(row => ({ row, certificate: parseCertificate(row.der) }))
    const found = {
      anchors: [
        ...roots.map(({ certificate }) => certificate),
        ...trusted.filter(({ row }) => row.role === 'root').map(({ certificate }) => certificate),
      ].map(anchorOf),
      intermediates: [
        ...intermediatesOf(authority).map(({ certificate }) => certificate),
        ...trusted.filter(({ row }) => row.role === 'intermediate').map(({ certificate }) => certificate),
      ],
      settings: new Map(rows.map(row => [row.fingerprint, row])),
      own: new Set(
        intermediatesOf(authority)
          .filter(({ holdsKey }) => holdsKey)
          .map(({ certificate }) => fingerprintOf(certificate)),
      ),
      retired: new Map(
        authority.members
          .filter(({ role, retireAt = Number.POSITIVE_INFINITY }) => role === 'root' && retireAt <= now)
          .map(({ certificate, retireAt }) => [formatName(certificate.subject), retireAt!]),
      ),
      until: Math.min(...roots.map(({ retireAt }) => retireAt ?? Number.POSITIVE_INFINITY)),
    }
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
    if (what.own.has(fingerprintOf(verdict.chain[1] ?? verdict.leaf)))
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
      : untrusted(
          'revoked',
          `the certificate was revoked on ${new Date(record.revokedAt).toISOString()}`,
          newCertificate,
          false,
        )
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

/**
 * Section 6 of RFC 5280, as openssl does by default, not the profile of section 4 as well: roots and certificates made
 * by hand seldom have every identifier, and what is missing there is nobody's proof.
 */
function validate(
  { anchors, intermediates, retired }: Known,
  presented: PresentedCertificate,
  now: number,
): Verdict {
  let leaf: Certificate
  try {
    leaf = parseCertificate(presented.der)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    return untrusted('malformed', `the certificate cannot be read: ${error.message}`, newCertificate, false)
  }
  const found = validatePath({
    leaf,
    intermediates: completed(leaf, presented.chain.flatMap(readable), intermediates),
    anchors,
    now,
    purpose: 'clientAuth',
    requireEku: true,
    policy: { strict: false },
  })
  if (found.ok) return { ok: true, leaf, chain: found.chain }
  const top = found.missing?.issuer ?? ''
  const retiredAt = retired.get(top)
  if (retiredAt !== undefined) return ofRetired(top, retiredAt)
  const selfSigned = isSelfSigned(leaf)
  return untrusted(found.rule, found.message, hintFor(found, selfSigned), selfSigned)
}

/**
 * Path building looks at ten others at most (`searchLimits`): those that were sent, and of those that we know the
 * ones that continue them.
 */
function completed(
  leaf: Certificate,
  sent: readonly Certificate[],
  known: readonly Certificate[],
): Certificate[] {
  const chosen = [...sent]
  for (let more = true; more && chosen.length < searchLimits.intermediates; ) {
    const next = known.find(
      one => !chosen.includes(one) && [leaf, ...chosen].some(({ issuer }) => nameEquals(issuer, one.subject)),
    )
    if (next) chosen.push(next)
    more = next !== undefined
  }
  return chosen
}

/** What is no certificate cannot help to complete a chain, and does no harm either. */
function readable(der: Buffer): Certificate[] {
  try {
    return [parseCertificate(der)]
  } catch (error) {
    if (error instanceof DerError) return []
    throw error
  }
}

const untrusted = (rule: string, reason: string, hint: string, selfSigned: boolean): Untrusted => ({
  ok: false,
  rule,
  reason,
  hint,
  selfSigned,
})

/** To be told to trust it again would be the wrong advice: its key may have leaked. */
const ofRetired = (root: string, at: number): Untrusted =>
  untrusted(
    'retired root',
    `${root}, from which the certificate comes, was retired on ${new Date(at).toISOString()}`,
    'Make a successor: countersign key rotate INSTANCE NAME.',
    false,
  )

const newCertificate =
  'The sender needs another certificate: `countersign key create INSTANCE NAME --type certificate`.'

function hintFor(problem: PathProblem, selfSigned: boolean): string {
  if (problem.rule === 'unknown issuer' && problem.missing)
    return selfSigned
      ? 'A self-signed certificate is good only where a service key holds it and the tenant allows it.'
      : `If ${problem.missing.issuer} is to be trusted: countersign trust add FILE. If it is an intermediate, the sender must send it along, or you add it in the same way.`
  if (problem.rule === 'extended key usage')
    return 'Client certificates must carry the extended key usage clientAuth (1.3.6.1.5.5.7.3.2); public authorities leave it out since 2025.'
  return newCertificate
}

/** Signed by its own key, under its own name: vouched for by nobody else. */
export function isSelfSigned(certificate: Certificate): boolean {
  if (!nameEquals(certificate.subject, certificate.issuer)) return false
  try {
    return verifySigned(certificate, importSpki(certificate.spki.raw))
  } catch (error) {
    if (error instanceof DerError) return false
    throw error
  }
}
