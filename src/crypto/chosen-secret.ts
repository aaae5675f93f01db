import { argon2 } from 'node:crypto'
import { sameDigest } from './secret.ts'

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 } as const
const tagLength = 32
/** The nonce that `hashChosenSecret` takes, in bytes. */
export const chosenSecretNonceLength = 16

const form = /^\$argon2id\$v=19\$m=(\d{1,6}),t=(\d{1,2}),p=(\d)\$([A-Za-z0-9+/]{22,64})\$([A-Za-z0-9+/]{43})$/

/**
 * What is stored of a secret that a person chose, and others may guess: argon2id (RFC 9106) under the pepper, in the
 * PHC string format. `nonce`: 16 random bytes. Takes about 50 ms of a thread of the pool.
 */
export async function hashChosenSecret(secret: string, pepper: Buffer, nonce: Buffer): Promise<string> {
  if (nonce.length !== chosenSecretNonceLength) throw new RangeError('a nonce has 16 bytes')
  const tag = await derive(secret, pepper, nonce, cost)
  const { memory, passes, parallelism } = cost
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(nonce)}$${unpadded(tag)}`
}

/** Is it the secret of which `stored` was made? Takes as long as making it. Throws RangeError for another form. */
export async function isChosenSecret(secret: string, stored: string, pepper: Buffer): Promise<boolean> {
  const [, memory, passes, parallelism, nonce, tag] = form.exec(stored) ?? []
  if (nonce === undefined || tag === undefined) throw new RangeError('not the hash of a chosen secret')
  const parameters = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) }
  const made = await derive(secret, pepper, Buffer.from(nonce, 'base64'), parameters)
  return sameDigest(made, Buffer.from(tag, 'base64'))
}

type Cost = { readonly memory: number; readonly passes: number; readonly parallelism: number }

function derive(message: string, secret: Buffer, nonce: Buffer, parameters: Cost): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    argon2('argon2id', { message, secret, nonce, tagLength, ...parameters }, (error, tag) =>
      error ? reject(error) : resolve(tag),
    ),
  )
}

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '')
