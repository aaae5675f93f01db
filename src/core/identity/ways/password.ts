import { hash } from 'node:crypto'
import { type ChosenSecrets, digestOf, type FailureCounter, readPlainBasic } from '../../clients/index.ts'
import type { Context } from '../../context.ts'
import { Problem } from '../../problem.ts'
import type { Tenant } from '../../tenant.ts'
import type { Vault } from '../../vault.ts'
import type { IdentityModels } from '../model.ts'
import type { Principal } from '../resolve.ts'
import type { StoredEntity } from '../store.ts'
import type { IdentityWay, Proven } from '../way.ts'

export interface PasswordDependencies {
  readonly tenant: Pick<Tenant, 'id'>
  readonly models: IdentityModels
  readonly vault: Pick<Vault, 'pepper'>
  readonly chosenSecrets: ChosenSecrets
  readonly failures: FailureCounter
  readonly context: Pick<Context, 'now'>
}

/** User and password (RFC 7617), kept as argon2id. Strangers cost as much as those who are known. */
export function passwordWay(deps: PasswordDependencies): IdentityWay {
  return {
    name: 'Basic',
    claims: ({ authorization }) => authorization !== undefined && /^Basic( |$)/i.test(authorization),
    async prove({ authorization, source }) {
      const read = readPlainBasic(authorization!)
      if (typeof read === 'string') return wrong(`the Basic header is malformed: ${read}`)
      const { clientId: username, secret } = read
      const model = await deps.models.of(deps.tenant.id)
      const user = model.entity('user', username)
      const refused = await checkPassword(username, secret, user, source, deps)
      return refused?.with({ subject: { clientId: username } }) ?? provenBy(user!)
    },
  }
}

async function checkPassword(
  username: string,
  password: string,
  user: StoredEntity | undefined,
  source: string,
  { chosenSecrets, failures, vault, context, tenant }: PasswordDependencies,
): Promise<Problem | undefined> {
  const wait = failures.waitsFor(source, username, context.now())
  if (wait !== undefined) return tooMany(wait)
  const presented = digestOf(password, vault)
  const stored = user?.content.password
  const id = `user ${tenant.id} ${username}`
  if (typeof stored === 'string' && chosenSecrets.known(id, stored, presented.digest)) return undefined
  const unknown =
    typeof stored === 'string' && chosenSecrets.known(id, stored, presented.digest) === undefined
  const outcome = unknown
    ? await chosenSecrets.verify(id, stored, presented, source)
    : await chosenSecrets.pretend(presented, source)
  if (outcome === 'full') return tooMany(1)
  if (outcome === true) return undefined
  const later = failures.failed(source, username, context.now())
  return later === undefined ? wrong(user ? 'wrong password' : 'there is no such user') : tooMany(later)
}

/** The same object for the same user, so that what belongs to him is found out once. */
const principals = new WeakMap<StoredEntity, Principal>()

function provenBy(user: StoredEntity): Proven {
  const principal = principals.get(user) ?? { type: 'user', id: user.id, claims: {} }
  principals.set(user, principal)
  const { name, email } = user.content
  return {
    by: 'password',
    principal,
    displayName: typeof name === 'string' ? name : undefined,
    email: typeof email === 'string' ? email : undefined,
    until: undefined,
    proof: proofOf(user),
  }
}

/** Changes with the password, and says nothing about it. */
export const proofOf = ({ content }: StoredEntity): string =>
  hash('sha256', String(content.password), 'base64url')

const wrong = (reason: string) =>
  new Problem('bad_credentials', 'the credentials are not valid', {
    reason,
    hint: 'Users who sign in with a password are those of POST /v2/users.',
  })

const tooMany = (retryAfter: number) =>
  new Problem('too_many_failures', 'too many failed attempts', { retryAfter })
