import { expiryColour, fullExpiry, shortExpiry, urgencyOf } from '../../terminal/expiry.ts'
import { details, table } from '../../terminal/table.ts'
import { fullTime, relativeTime } from '../../terminal/time.ts'
import type { Cli } from './command.ts'

/** A certificate of a service key, as the admin API tells of it. */
interface CertificateAnswer {
  readonly thumbprint: string
  readonly serial: string
  readonly subject: string
  readonly issuer: string
  readonly notBefore: string
  readonly notAfter: string
  readonly acceptedUntil: string | null
  readonly state: string
  readonly reason?: string
  readonly lastUsedAt?: string | null
}

/** A public key of a key set. */
interface PublicKeyAnswer {
  readonly kid: string
  readonly algorithms: readonly string[]
  readonly lastUsedAt: string | null
}

/** A service key, as the admin API tells of it. */
export interface KeyAnswer {
  readonly name: string
  readonly type: string
  readonly clientid: string
  readonly tokenurl: string
  readonly url: string
  readonly pinned: boolean | null
  readonly certificates: readonly CertificateAnswer[]
  readonly keys?: readonly PublicKeyAnswer[]
  readonly jwksUri?: string | null
  readonly previousSecretUntil: string | null
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly lastUsedAt: string | null
}

export function keyTable(keys: readonly KeyAnswer[], { terminal, now }: Cli): string {
  const certified = keys.some(key => key.certificates.length > 0)
  return table(
    keys,
    [
      { title: 'NAME', cell: key => key.name },
      { title: 'TYPE', cell: key => key.type },
      { title: 'CREATED', cell: key => relativeTime(key.createdAt, now()) },
      {
        title: 'EXPIRES',
        cell: key => shortExpiry(key.expiresAt, now()),
        colour: (key, paint) => expiryColour(key.expiresAt, now(), paint),
      },
      ...(certified ? [{ title: 'CERTIFICATES', cell: statesOf }] : []),
      ...(keys.some(hasPublicKeys) ? [{ title: 'PUBLIC KEYS', cell: publicKeysOf }] : []),
      { title: 'LAST USED', cell: key => relativeTime(key.lastUsedAt, now()) },
      { title: 'CLIENT ID', cell: key => key.clientid },
    ],
    terminal.paint,
  )
}

const hasPublicKeys = ({ keys = [], jwksUri }: KeyAnswer) => keys.length > 0 || Boolean(jwksUri)

/** Their kids, or where they are. */
const publicKeysOf = ({ keys = [], jwksUri }: KeyAnswer) => jwksUri ?? keys.map(({ kid }) => kid).join(', ')

/** `active`, or `1 active, 1 overlap`. */
function statesOf({ certificates }: KeyAnswer): string {
  const counts = new Map<string, number>()
  for (const { state } of certificates) counts.set(state, (counts.get(state) ?? 0) + 1)
  if (certificates.length === 1) return certificates[0]!.state
  return [...counts].map(([state, count]) => `${count} ${state}`).join(', ')
}

export function keyDetails(key: KeyAnswer, { terminal, now }: Cli): string {
  const { paint } = terminal
  const about = details(
    [
      ['Name', key.name],
      ['Type', key.type],
      ['Client id', key.clientid],
      ['Token URL', key.tokenurl],
      ['URL', key.url],
      ['Keys at', key.jwksUri ?? undefined],
      ['Pinned', key.pinned === null ? undefined : yesNo(key.pinned)],
      ['Created', fullTime(key.createdAt, now())],
      ['Expires', fullExpiry(key.expiresAt, now()), expiryColour(key.expiresAt, now(), paint)],
      [
        'Old secret until',
        key.previousSecretUntil === null ? undefined : fullTime(key.previousSecretUntil, now()),
      ],
      ['Last used', fullTime(key.lastUsedAt, now())],
    ],
    paint,
  )
  const each = key.certificates.map(certificate =>
    details(
      [
        ['Certificate', certificate.state, certificate.state === 'active' ? paint.green : paint.red],
        ['Reason', certificate.reason],
        ['Subject', certificate.subject],
        ['Issuer', certificate.issuer],
        ['Serial', certificate.serial],
        ['Thumbprint', certificate.thumbprint],
        ['Valid from', fullTime(certificate.notBefore, now())],
        [
          'Valid until',
          fullExpiry(certificate.notAfter, now()),
          expiryColour(certificate.notAfter, now(), paint),
        ],
        [
          'Accepted until',
          certificate.acceptedUntil === null ? undefined : fullTime(certificate.acceptedUntil, now()),
        ],
        ['Last used', certificate.lastUsedAt ? fullTime(certificate.lastUsedAt, now()) : undefined],
      ],
      paint,
    ),
  )
  const publicKeys = (key.keys ?? []).map(({ kid, algorithms, lastUsedAt }) =>
    details(
      [
        ['Public key', kid],
        ['Algorithms', algorithms.join(', ')],
        ['Last used', fullTime(lastUsedAt, now())],
      ],
      paint,
    ),
  )
  return [about, ...each, ...publicKeys].join('\n')
}

const yesNo = (value: boolean) => (value ? 'yes' : 'no: a later certificate of the same names succeeds it')

/** Says on stderr which keys come to their end, or cannot be used. */
export function warnOfKeys(instance: string, keys: readonly KeyAnswer[], { terminal, now, next }: Cli): void {
  for (const key of keys) {
    const urgency = urgencyOf(key.expiresAt, now())
    if (urgency !== 'none')
      terminal.warn(
        `key ${key.name} ${urgency === 'over' ? 'expired' : 'expires'} ${relativeTime(key.expiresAt, now())}: ` +
          `make a successor with ${next(`key rotate ${instance} ${key.name} --out DIR`)}`,
      )
    for (const { state, serial, reason } of key.certificates)
      if (state === 'untrusted')
        terminal.warn(
          `key ${key.name} cannot be used with certificate ${serial} alone: ${reason ?? 'it is not trusted'}`,
        )
  }
}
