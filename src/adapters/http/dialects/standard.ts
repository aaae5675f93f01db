import { oauthProblem } from '../problems.ts'
import type { Face } from '../token-endpoint.ts'

/** The addresses under `/oauth` are those of the standard; it has no others. */
export const standard: Face = { name: 'standard', problem: oauthProblem, addresses: () => [] }
