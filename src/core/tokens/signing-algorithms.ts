import type { AlgorithmName } from '../../crypto/algorithms.ts'

/** THE LIST: what tenants may sign their tokens with. ES384 is for verifying what others sign. */
export const signingAlgorithms = [
  'ES256',
  'RS256',
  'PS256',
  'EdDSA',
] as const satisfies readonly AlgorithmName[]

export type SigningAlgorithm = (typeof signingAlgorithms)[number]

export function isSigningAlgorithm(name: string): name is SigningAlgorithm {
  return (signingAlgorithms as readonly string[]).includes(name)
}
