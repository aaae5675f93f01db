import { DerError, type DerNode, readInteger } from '../der.ts'
import { Pkcs12Error } from './error.ts'

/** A password as keys are derived of it; undefined is none at all, which PKCS#12's own derivation tells from ''. */
export type Password = string | undefined

/** Bounds all key derivations of one file together: the file itself says how much each of them costs. */
export interface Work {
  /** To be called before deriving; throws a Pkcs12Error when it would be too much. */
  spend(iterations: number): void
}

/** Counted in those of PBKDF2: up to some ten seconds on a slow machine, and a second for what is really written. */
const mostIterations = 10_000_000
/** A round of PKCS#12's own derivation is a call of its own, and costs so many iterations of PBKDF2. */
export const roundCost = 3

export function limitedWork(): Work {
  let left = mostIterations
  return {
    spend(iterations) {
      left -= iterations
      if (left < 0)
        throw new Pkcs12Error(
          'limit',
          'the key derivations of the file take more iterations than the 10 million allowed: write it again with fewer, for example with openssl pkcs12 -export -iter 10000',
        )
    },
  }
}

/** A number of iterations as a file states it; one that is beyond all limits is one too many. */
export function readIterations(node: DerNode): number {
  const iterations = readInteger(node)
  if (iterations < 1n) throw new DerError('fewer than one iteration', node.offset)
  return iterations > mostIterations ? mostIterations + 1 : Number(iterations)
}
