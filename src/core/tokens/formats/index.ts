import type { TokenFormat } from './format.ts'
import { jwtFormat } from './jwt.ts'
import { opaqueFormat } from './opaque.ts'

/** THE LIST of token formats. */
export const tokenFormats: readonly TokenFormat[] = [jwtFormat, opaqueFormat]

export function tokenFormat(name: string): TokenFormat | undefined {
  return tokenFormats.find(format => format.name === name)
}
