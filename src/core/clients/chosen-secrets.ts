import { chosenSecretNonceLength, hashChosenSecret, isChosenSecret } from '../../crypto/chosen-secret.ts'
import { sameDigest, secretDigest } from '../../crypto/secret.ts'
import { BoundedCache } from '../cache.ts'
import type { Context } from '../context.ts'
import type { Vault } from '../vault.ts'
import { createGate } from './gate.ts'

/**
 * Secrets that people chose: a slow hash is all that protects a weak one from whoever has both database and master key.
 * It costs 50 ms of a processor, so two are computed at once in each process, and few wait.
 */
export interface ChosenSecrets {
  /** What is to be stored of a new secret. */
  hash(secret: string, source: string): Promise<string | 'full'>
  /** Is the digest that of the secret which `stored` was made of? undefined: not verified since this process started. */
  known(credentialId: string, stored: string, digest: Buffer): boolean | undefined
  /** The same by computing it; one that is right is known from then on. */
  verify(
    credentialId: string,
    stored: string,
    presented: Presented,
    source: string,
  ): Promise<boolean | 'full'>
  /** As much work as verifying, for nobody. */
  pretend(presented: Presented, source: string): Promise<'full' | undefined>
}

/** A secret with its digest under the pepper. */
export interface Presented {
  readonly secret: string
  readonly digest: Buffer
}

export const digestOf = (secret: string, { pepper }: Pick<Vault, 'pepper'>): Presented => ({
  secret,
  digest: secretDigest(pepper, secret),
})

const remembered = 20_000

export function createChosenSecrets(
  { pepper }: Pick<Vault, 'pepper'>,
  { random }: Pick<Context, 'random'>,
): ChosenSecrets {
  const gate = createGate({ atOnce: 2, waitingOfSource: 8, waiting: 64 })
  const verified = new BoundedCache<{ readonly stored: string; readonly digest: Buffer }>(remembered)
  // A sender that opens many connections at once asks the same of each.
  const pending = new Map<string, Promise<boolean | 'full'>>()
  const hash = (secret: string) => hashChosenSecret(secret, pepper, random(chosenSecretNonceLength))

  return {
    hash: (secret, source) => gate.run(source, () => hash(secret)),
    known(credentialId, stored, digest) {
      const entry = verified.get(credentialId)
      return entry?.stored === stored ? sameDigest(entry.digest, digest) : undefined
    },
    verify(credentialId, stored, { secret, digest }, source) {
      const question = `${credentialId} ${stored} ${digest.toString('base64')}`
      const asked = pending.get(question)
      if (asked) return asked
      const answer = gate
        .run(source, () => isChosenSecret(secret, stored, pepper))
        .then(right => {
          if (right === true) verified.set(credentialId, { stored, digest })
          return right
        })
        .finally(() => pending.delete(question))
      pending.set(question, answer)
      return answer
    },
    async pretend({ secret }, source) {
      return (await gate.run(source, () => hash(secret))) === 'full' ? 'full' : undefined
    },
  }
}
