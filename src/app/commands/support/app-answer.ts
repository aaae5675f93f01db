import { expiryColour, shortExpiry } from '../../terminal/expiry.ts'
import { details, table } from '../../terminal/table.ts'
import { fullTime, relativeTime } from '../../terminal/time.ts'
import type { Cli } from './command.ts'

export interface AppCertificateAnswer {
  readonly thumbprint: string
  readonly thumbprintSha256: string
  readonly subject: string
  readonly startDate: string
  readonly endDate: string
  readonly state: string
  readonly lastUsedAt: string | null
}

export interface AppSecretAnswer {
  readonly id: string
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly state: string
}

/** An application, as the admin API tells of it. */
export interface AppAnswer {
  readonly id: string
  readonly name: string
  readonly objectId: string
  readonly idUri: string | null
  readonly requestedAccessTokenVersion: 1 | 2
  readonly assignmentRequired: boolean
  readonly assertionReplay: string
  readonly enabled: boolean
  readonly appRoles: readonly {
    readonly value: string
    readonly displayName: string
    readonly enabled: boolean
  }[]
  readonly certificates: readonly AppCertificateAnswer[]
  readonly secrets: readonly AppSecretAnswer[]
  readonly grants: readonly {
    readonly resource: { readonly id: string; readonly name: string }
    readonly role: string
  }[]
  readonly authority: string
  readonly tokenurl: string
  readonly createdAt: string
  readonly lastUsedAt: string | null
}

export function showApps(apps: readonly AppAnswer[], { terminal, now }: Cli): string {
  return table(
    apps,
    [
      { title: 'NAME', cell: app => app.name },
      { title: 'ID', cell: app => app.id },
      { title: 'STATE', cell: app => (app.enabled ? 'enabled' : 'disabled') },
      {
        title: 'CREDENTIALS',
        cell: ({ certificates, secrets }) =>
          [counted(certificates.length, 'certificate'), counted(secrets.length, 'secret')]
            .filter(Boolean)
            .join(', '),
      },
      { title: 'LAST USED', cell: app => (app.lastUsedAt ? relativeTime(app.lastUsedAt, now()) : 'never') },
      { title: 'APP ROLES', cell: app => app.appRoles.map(role => role.value).join(' ') },
    ],
    terminal.paint,
  )
}

const counted = (count: number, what: string): string =>
  count === 0 ? '' : `${count} ${what}${count === 1 ? '' : 's'}`

export function showApp(app: AppAnswer, cli: Cli): string {
  const { terminal, now } = cli
  const facts = details(
    [
      ['name', app.name],
      ['id', app.id],
      ['object id', app.objectId],
      ['App ID URI', app.idUri ?? undefined],
      ['state', app.enabled ? 'enabled' : 'disabled'],
      [
        'tokens for it',
        `version ${app.requestedAccessTokenVersion}${app.assignmentRequired ? ', only with one of its roles' : ''}`,
      ],
      [
        'app roles',
        app.appRoles.map(role => (role.enabled ? role.value : `${role.value} (disabled)`)).join(', '),
      ],
      ['assertions', app.assertionReplay === 'refused' ? 'count once' : undefined],
      ['holds', app.grants.map(({ resource, role }) => `${role} of ${resource.name}`).join(', ')],
      ['authority', app.authority],
      ['tokenurl', app.tokenurl],
      ['created', fullTime(app.createdAt, now())],
      ['last used', app.lastUsedAt ? fullTime(app.lastUsedAt, now()) : 'never'],
    ],
    terminal.paint,
  )
  return [
    facts,
    ...(app.certificates.length > 0 ? [showCertificates(app.certificates, cli)] : []),
    ...(app.secrets.length > 0 ? [showSecrets(app.secrets, cli)] : []),
  ].join('\n')
}

export function showCertificates(
  certificates: readonly AppCertificateAnswer[],
  { terminal, now }: Cli,
): string {
  return table(
    certificates,
    [
      { title: 'THUMBPRINT (SHA-1)', cell: one => one.thumbprint },
      { title: 'STARTS', cell: one => one.startDate.slice(0, 10) },
      {
        title: 'EXPIRES',
        cell: one => shortExpiry(one.endDate, now()),
        colour: (one, paint) => expiryColour(one.endDate, now(), paint),
      },
      { title: 'LAST USED', cell: one => (one.lastUsedAt ? relativeTime(one.lastUsedAt, now()) : 'never') },
      { title: 'SUBJECT', cell: one => one.subject },
      { title: 'SHA-256', cell: one => one.thumbprintSha256 },
    ],
    terminal.paint,
  )
}

export function showSecrets(secrets: readonly AppSecretAnswer[], { terminal, now }: Cli): string {
  return table(
    secrets,
    [
      { title: 'SECRET ID', cell: one => one.id },
      { title: 'CREATED', cell: one => relativeTime(one.createdAt, now()) },
      { title: 'EXPIRES', cell: one => (one.expiresAt ? shortExpiry(one.expiresAt, now()) : 'never') },
    ],
    terminal.paint,
  )
}
