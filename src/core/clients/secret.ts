import { sameDigest, secretDigest } from '../../crypto/secret.ts'
import type { Vault } from '../vault.ts'
import type { Client } from './client.ts'

const nobody = Buffer.alloc(32)

/**
 * Is this the client's secret? undefined: yes; else why not. One HMAC and one comparison in constant time
 * whatever is wrong, so that the time does not tell whether the client exists.
 */
export function verifySecret(secret: string, client: Client | undefined, vault: Vault): string | undefined {
  const same = sameDigest(secretDigest(vault.pepper, secret), client?.secretDigest ?? nobody)
  if (!client) return 'no client of this id in this tenant'
  if (!client.secretDigest) return `the key is of type ${client.type} and has no secret`
  return same ? undefined : 'wrong secret'
}
