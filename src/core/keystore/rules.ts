import { Problem } from '../problem.ts'

/** The limits of the described keystore. */
export const keystoreLimits = {
  perTenant: 1800,
  aliasCharacters: 250,
  /** A file as it was given; of a store with many entries one is kept. */
  fileBytes: 512 * 1024,
  /** What is kept of it: the key with its certificates. */
  keyPairBytes: 30_720,
  certificateBytes: 10_240,
  chainCertificates: 10,
  longestDays: 3650,
} as const

/** Aliases stand in addresses of the admin API, where a slash would begin another part. */
export function checkAlias(alias: string): Problem | undefined {
  const most = keystoreLimits.aliasCharacters
  const fits = alias.length <= most && /^[^\p{C}/\\]+$/u.test(alias) && alias.trim() === alias
  if (fits && alias !== '.' && alias !== '..') return undefined
  return new Problem(
    'invalid_input',
    `an alias has 1 to ${most} printable characters, none of them / or \\, and no white space at either end`,
  )
}

export const noEntry = (alias: string): Problem =>
  new Problem('not_found', `the keystore has no entry ${alias}`, { hint: 'See `countersign keystore list`.' })

export const refuse = (reason: string, hint?: string): Problem =>
  new Problem('invalid_input', reason, hint === undefined ? {} : { hint })
