import { address, type PropertySpec, trueOrFalse, wholeNumber } from './property.ts'

export const authentications = [
  'NoAuthentication',
  'BasicAuthentication',
  'ClientCertificateAuthentication',
] as const
export type Authentication = (typeof authentications)[number]

const traces = ['failed', 'skipped', 'created', 'updated'] as const

/** How a system that is called over HTTP is reached, and how Countersign proves itself to it. */
export const httpProperties: readonly PropertySpec[] = [
  { name: 'Type', description: 'HTTP', values: ['HTTP'] },
  { name: 'URL', description: 'Base address of the system', wrong: address },
  {
    name: 'ProxyType',
    description: 'Of no effect here: a system in the own network is called like any other',
    values: ['Internet', 'OnPremise'],
  },
  {
    name: 'Authentication',
    description: 'How Countersign proves itself to the system; default: NoAuthentication',
    values: authentications,
  },
  { name: 'User', description: 'Of BasicAuthentication; with OAuth2TokenServiceURL the client id' },
  {
    name: 'Password',
    description: 'Of BasicAuthentication; with OAuth2TokenServiceURL the client secret',
    credential: true,
  },
  {
    name: 'OAuth2TokenServiceURL',
    description: 'Token endpoint; without it the system itself is shown the password or certificate',
    wrong: address,
  },
  { name: 'OAuth2TokenScope', description: 'Scopes of the token, separated by spaces' },
  {
    name: 'OAuth2TokenDefaultExpiresIn',
    description: 'Seconds that a token lives, of a token server that does not say (expires_in)',
    wrong: wholeNumber(1, 86_400),
  },
  { name: 'client_id', description: 'OAuth client id, with ClientCertificateAuthentication' },
  {
    name: 'TrustAll',
    description: 'For tests: takes whatever certificate the system shows. A token server is always verified.',
    values: trueOrFalse,
  },
  {
    name: 'ips.timeout',
    description: 'Seconds for one call of the system; default 60',
    wrong: wholeNumber(1, 600),
  },
  {
    name: 'ips.failed.request.retry.attempts',
    description: 'How often a call that met a time-out, 429, 502, 503 or 504 is tried again; default 2',
    wrong: wholeNumber(0, 3),
  },
  {
    name: 'ips.failed.request.retry.attempts.interval',
    description: 'Seconds before it is tried again, if the system names none with Retry-After; default 30',
    wrong: wholeNumber(0, 60),
  },
  {
    name: 'ips.certificate.automatic.regeneration',
    description:
      'Makes and activates a new certificate 14 days before the active one ends: where the other side goes by subject and issuer',
    values: trueOrFalse,
  },
  {
    name: 'ips.parallel.requests',
    description: 'So many calls at a time while entities are written; default 16',
    roles: ['target', 'proxy'],
    wrong: wholeNumber(1, 64),
  },
]

/** Of every system. */
export const jobProperties: readonly PropertySpec[] = [
  {
    name: 'targets',
    description: 'Names of the systems to write to, separated by commas',
    roles: ['source'],
  },
  {
    name: 'ips.delta.read',
    description: 'Scheduled jobs read only what has changed; default disabled',
    roles: ['source'],
    values: ['enabled', 'disabled'],
  },
  {
    name: 'ips.full.read.force.count',
    description: 'After so many scheduled delta reads in a row a full read follows',
    roles: ['source'],
    wrong: wholeNumber(1, 10_000),
  },
  {
    name: 'ips.delete.after.empty.read',
    description:
      'true: a source that reports no entity at all has none. Otherwise an empty read deletes nothing.',
    roles: ['source'],
    values: trueOrFalse,
  },
  ...traces.map(
    (what): PropertySpec => ({
      name: `ips.trace.${what}.entity.content`,
      description: `The log of the next job holds the content of entities that were ${what}; false again afterwards`,
      roles: ['source'],
      values: trueOrFalse,
    }),
  ),
  ...(['skipped', 'deleted', 'created', 'updated'] as const).map(
    (what): PropertySpec => ({
      name: `ips.trace.${what}.entity`,
      description: `Jobs log each entity that was ${what}`,
      roles: ['source'],
      values: trueOrFalse,
    }),
  ),
  {
    name: 'ips.trace.entity.content.unlimited',
    description: 'Logged content is not cut at 150 000 characters',
    roles: ['source'],
    values: trueOrFalse,
  },
  {
    name: 'ips.job.notification.repeat.on.failure',
    description: 'Tell of every job that fails, not only of the first in a row',
    roles: ['source'],
    values: trueOrFalse,
  },
  {
    name: 'ips.job.notification.ignored.consecutive.failures',
    description: 'So many failures in a row are not told of',
    roles: ['source'],
    wrong: wholeNumber(1, 1000),
  },
  {
    name: 'ips.job.notification.skip.intermediate.notifications',
    description: 'Tell of a job at its end only, not when its first entity fails',
    roles: ['source'],
    values: trueOrFalse,
  },
  {
    name: 'ips.date.variable.format',
    description: 'Of the variable currentDate in transformations; default yyyy-MM-dd HH:mm:ss.SSS',
  },
  { name: 'ips.application.id', description: 'Links groups to an application' },
  {
    name: 'ips.delete.existedbefore.entities',
    description: 'Also delete entities that were in the target before the first job; default false',
    roles: ['target'],
    values: trueOrFalse,
  },
  {
    name: 'ips.overwrite.existedbefore.assignments',
    description:
      'Groups that were in the target before lose members that the source does not have; default true',
    roles: ['target'],
    values: trueOrFalse,
  },
  ...['users', 'groups'].map(
    (what): PropertySpec => ({
      name: `ips.delete.threshold.${what}`,
      description: `If a job would delete more ${what} than that, it deletes none of them`,
      roles: ['target'],
      wrong: wholeNumber(1, 999_999_999),
    }),
  ),
]

/** `ips.http.header.<name>`: sent with each call. Sealed, since such headers often hold a key. */
export const headerPrefix = 'ips.http.header.'
