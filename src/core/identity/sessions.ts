import { hash } from 'node:crypto'
import { checkBinding } from '../../guard/binding.ts'
import { BoundedCache } from '../cache.ts'
import { type Context, hour, minute } from '../context.ts'
import { Problem } from '../problem.ts'
import { after, type Soon } from '../soon.ts'
import type { ChangeFeed, Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import type { Vault } from '../vault.ts'
import type { ProvenBy } from './caller.ts'
import type { IdentityModels } from './model.ts'
import { everySession, type IdentityTables } from './store.ts'
import type { IdentityWay, Proven } from './way.ts'
import { proofOf } from './ways/password.ts'

export interface SessionSettings {
  /** Without use it ends after so long. */
  readonly maxInactiveMs: number
  /** What one can begin with. Kept ones that began otherwise, under other settings, are over. */
  readonly begunBy: readonly ProvenBy[]
}

export interface SessionDependencies {
  readonly tenant: Pick<Tenant, 'id'>
  readonly store: Transactions<Pick<IdentityTables, 'sessions'>>
  readonly vault: Vault
  readonly context: Pick<Context, 'now' | 'random'>
  readonly models: IdentityModels
  readonly changes: ChangeFeed
}

/** Sessions of browsers: who has signed in is remembered under an id that nobody can guess. */
export interface Sessions {
  /** Begins one, with an id that was never used before; returns what the cookie holds. */
  begin(proven: Proven): Promise<string>
  end(cookie: string): Promise<void>
  /** What a page that shows it proves to be one of ours; the same for as long as the session lives. */
  csrfToken(cookie: string): string
  readonly way: IdentityWay
}

const idBytes = 32
/** Whoever has signed in does so again after a day of work, however busy the cookie was kept. */
const longestMs = 12 * hour
/** So seldom is it written down that a session was used. */
const putOffMs = minute

const digestOf = (cookie: string): string => hash('sha256', cookie, 'base64url')

export function createSessions(
  { maxInactiveMs, begunBy }: SessionSettings,
  { tenant, store, vault, context, models, changes }: SessionDependencies,
): Sessions {
  const contextOf = (digest: string) => `countersign identity session ${tenant.id} ${digest}`
  const kept = new BoundedCache<Kept>(mostKept)
  /** Counts the ends of sessions: what was read before one may be of a session that is over. */
  let ends = 0

  changes.onChange(change => {
    if (change && (change.kind !== 'identity' || change.detail !== 'session')) return
    ends++
    if (change && change.id !== everySession) kept.delete(change.id)
    else kept.clear()
  })

  function find(cookie: string, thumbprint: string | undefined): Soon<Proven | Problem> {
    const digest = digestOf(cookie)
    const known = kept.get(digest)
    // Another process may have put its end off.
    return known && context.now() < known.expiresAt
      ? judge(digest, known, thumbprint)
      : readAndJudge(digest, thumbprint)
  }

  async function readAndJudge(digest: string, thumbprint: string | undefined): Promise<Proven | Problem> {
    const before = ends
    const session = await store.read.sessions.find(digest)
    if (!session || session.tenantId !== tenant.id || session.expiresAt <= context.now())
      return ended('it is not known, or has ended')
    const stored: Proven = JSON.parse(vault.open(contextOf(digest), session.sealed).toString('utf8'))
    const found: Kept = { stored, proven: { ...stored, by: 'session' }, expiresAt: session.expiresAt }
    if (before === ends) kept.set(digest, found)
    return judge(digest, found, thumbprint)
  }

  function judge(digest: string, session: Kept, thumbprint: string | undefined): Soon<Proven | Problem> {
    const { stored } = session
    if (!begunBy.includes(stored.by))
      return remove(digest).then(() => ended(`it began with a ${stored.by}, which counts no more`))
    // It is worth no more than the token that it began with: what was bound to a certificate stays so.
    const unbound = checkBinding(stored.principal.claims.cnf, thumbprint)
    if (unbound !== undefined) return ended(unbound)
    // Nor does it outlive that token.
    if (stored.until !== undefined && stored.until <= context.now())
      return remove(digest).then(() => ended('it has lasted as long as it may'))
    if (stored.by !== 'password') return putOff(digest, session)
    return after(models.of(tenant.id), model => {
      const user = model.entity('user', stored.principal.id)
      if (user && proofOf(user) === stored.proof) return putOff(digest, session)
      return remove(digest).then(() => ended('the user is gone, or has another password'))
    })
  }

  function putOff(digest: string, session: Kept): Soon<Proven> {
    const expiresAt = context.now() + maxInactiveMs
    if (expiresAt - session.expiresAt <= Math.min(putOffMs, maxInactiveMs / 10)) return session.proven
    // At once, so that of many requests one writes.
    session.expiresAt = expiresAt
    return store
      .write(({ sessions }) => sessions.putOff(digest, expiresAt))
      .then(
        () => session.proven,
        error => {
          kept.delete(digest)
          throw error
        },
      )
  }

  async function remove(digest: string): Promise<void> {
    await store.write(({ sessions }) => sessions.delete({ digest, tenantId: tenant.id }))
    ends++
    kept.delete(digest)
  }

  return {
    async begin(proven) {
      const cookie = context.random(idBytes).toString('base64url')
      const digest = digestOf(cookie)
      const now = context.now()
      const until = Math.min(proven.until ?? Number.POSITIVE_INFINITY, now + longestMs)
      const sealed = vault.seal(contextOf(digest), Buffer.from(JSON.stringify({ ...proven, until })))
      await store.write(({ sessions }) =>
        sessions.insert({
          digest,
          tenantId: tenant.id,
          sealed,
          createdAt: now,
          expiresAt: now + maxInactiveMs,
        }),
      )
      return cookie
    },
    end: cookie => remove(digestOf(cookie)),
    csrfToken: cookie => hash('sha256', `countersign identity csrf ${cookie}`, 'base64url'),
    way: {
      name: 'session',
      claims: ({ session, authorization }) => session !== undefined && authorization === undefined,
      prove: ({ session, certificate }) => find(session!, certificate?.thumbprint),
    },
  }
}

/** In memory, as it was read: the same objects for the same session, so that what belongs to it is found out once. */
interface Kept {
  readonly stored: Proven
  readonly proven: Proven
  expiresAt: number
}

const mostKept = 10_000

const ended = (reason: string) =>
  new Problem('bad_credentials', 'the session has ended', {
    reason: `the session: ${reason}`,
    hint: 'Sign in again, or send an access token with each request.',
  })
