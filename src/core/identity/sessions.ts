import { hash } from 'node:crypto'
import { checkBinding } from '../../guard/binding.ts'
import { type Context, minute } from '../context.ts'
import { Problem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import type { Vault } from '../vault.ts'
import type { IdentityModels } from './model.ts'
import type { Principal } from './resolve.ts'
import type { IdentityTables, StoredSession } from './store.ts'
import type { IdentityWay, Proven } from './way.ts'
import { proofOf } from './ways/password.ts'

export interface SessionSettings {
  /** Without use it ends after so long. */
  readonly maxInactiveMs: number
}

export interface SessionDependencies {
  readonly tenant: Pick<Tenant, 'id'>
  readonly store: Transactions<Pick<IdentityTables, 'sessions'>>
  readonly vault: Vault
  readonly context: Pick<Context, 'now' | 'random'>
  readonly models: IdentityModels
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
/** So seldom is it written down that a session was used. */
const putOffMs = minute

const digestOf = (cookie: string): string => hash('sha256', cookie, 'base64url')

export function createSessions(
  { maxInactiveMs }: SessionSettings,
  { tenant, store, vault, context, models }: SessionDependencies,
): Sessions {
  const contextOf = (digest: string) => `countersign identity session ${tenant.id} ${digest}`
  /** The same object for the same session, so that what belongs to the principal is found out once. */
  const principals = new Map<string, Principal>()

  const open = (session: StoredSession): Proven => {
    const proven: Proven = JSON.parse(vault.open(contextOf(session.digest), session.sealed).toString('utf8'))
    const principal = principals.get(session.digest) ?? proven.principal
    if (principals.size > mostKept) principals.clear()
    principals.set(session.digest, principal)
    return { ...proven, principal }
  }

  async function find(cookie: string, thumbprint: string | undefined): Promise<Proven | Problem> {
    const digest = digestOf(cookie)
    const session = await store.read.sessions.find(digest)
    const now = context.now()
    if (!session || session.tenantId !== tenant.id || session.expiresAt <= now)
      return ended('it is not known, or has ended')
    const stored = open(session)
    const proven: Proven = { ...stored, by: 'session' }
    // Nor is it worth more than the token: what was bound to a certificate stays so.
    const unbound = checkBinding(stored.principal.claims.cnf, thumbprint)
    if (unbound !== undefined) return ended(unbound)
    // A session never outlives the token that it began with.
    if (proven.until !== undefined && proven.until <= now) {
      await remove(digest)
      return ended('the token that it began with has expired')
    }
    if (stored.by === 'password') {
      const user = (await models.of(tenant.id)).entity('user', stored.principal.id)
      if (!user || proofOf(user) !== stored.proof) {
        await remove(digest)
        return ended('the user is gone, or has another password')
      }
    }
    const expiresAt = now + maxInactiveMs
    if (expiresAt - session.expiresAt > Math.min(putOffMs, maxInactiveMs / 10))
      await store.write(({ sessions }) => sessions.putOff(digest, expiresAt))
    return proven
  }

  async function remove(digest: string): Promise<void> {
    principals.delete(digest)
    await store.write(({ sessions }) => sessions.delete({ digest, tenantId: tenant.id }))
  }

  return {
    async begin(proven) {
      const cookie = context.random(idBytes).toString('base64url')
      const digest = digestOf(cookie)
      const now = context.now()
      const sealed = vault.seal(contextOf(digest), Buffer.from(JSON.stringify(proven)))
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

const mostKept = 10_000

const ended = (reason: string) =>
  new Problem('bad_credentials', 'the session has ended', {
    reason: `the session: ${reason}`,
    hint: 'Sign in again, or send an access token with each request.',
  })
