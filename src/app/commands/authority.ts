import { Option } from 'commander'
import { expiryColour, shortExpiry } from '../terminal/expiry.ts'
import { table } from '../terminal/table.ts'
import { fullTime, relativeTime } from '../terminal/time.ts'
import { path } from './support/admin-api.ts'
import type { Cli, Define } from './support/command.ts'
import { readText } from './support/input.ts'
import { wholeNumber } from './support/key-request.ts'

interface AuthorityAnswer {
  readonly id: string
  readonly role: string
  readonly subject: string
  readonly issuer: string
  readonly fingerprint: string
  readonly notBefore: string
  readonly notAfter: string
  readonly activeFrom: string
  readonly retireAt: string | null
  readonly state: string
  readonly holdsKey: boolean
}

interface SuccessionAnswer {
  readonly activeFrom: string
  readonly retireAt: string
}

interface RevocationAnswer {
  readonly serial: string
  readonly subject: string
  readonly revokedAt: string
  readonly reason: string
}

export const define: Define = (command, cli) => {
  const { terminal } = cli
  const showSuccession = (answer: SuccessionAnswer, what: string) =>
    terminal.show(
      answer,
      () =>
        `${what} issues from ${fullTime(answer.activeFrom, cli.now())} on.\n` +
        `The one before is trusted until ${fullTime(answer.retireAt, cli.now())}.\n`,
    )

  command
    .command('list')
    .description('List the certificates of the authority that issues to senders')
    .action(async () => {
      const api = await cli.api()
      const { certificates } = await api.get<{ certificates: AuthorityAnswer[] }>('/authority')
      terminal.show(certificates, () => authorityTable(certificates, cli))
    })

  command
    .command('roll-over')
    .description('Make a new root and intermediate; old and new are trusted together for a time')
    .option(
      '--lead <DAYS>',
      'until the new one issues (default: 30); test with `key create --authority next`',
    )
    .option('--overlap <DAYS>', 'for which the old one is trusted after that (default: 400)')
    .action(async (options: { lead?: string; overlap?: string }) => {
      const api = await cli.api()
      const answer = await api.post<SuccessionAnswer>('/authority/roll-over', {
        leadDays: days(options.lead, '--lead'),
        overlapDays: days(options.overlap, '--overlap'),
      })
      showSuccession(answer, 'The new authority')
    })

  command
    .command('import')
    .description('Issue with an authority that exists already, from now on')
    .requiredOption('--certificates <FILE>', 'PEM of its certificate, and those above it up to the root')
    .requiredOption('--key <FILE>', 'PEM of its private key (that of the root is not needed)')
    .option('--overlap <DAYS>', 'for which the one before is trusted (default: 400)')
    .action(async (options: { certificates: string; key: string; overlap?: string }) => {
      const certificates = await readText(options.certificates, cli)
      const key = await readText(options.key, cli)
      const overlapDays = days(options.overlap, '--overlap')
      const api = await cli.api()
      const answer = await api.post<SuccessionAnswer>('/authority/import', { certificates, key, overlapDays })
      showSuccession(answer, 'The imported authority')
    })

  command
    .command('retire')
    .description('End the trust in a root at once; what it vouched for is refused from the next request on')
    .argument('<ID>', 'see `authority list`')
    .action(async (id: string) => {
      const api = await cli.api()
      await api.delete(path`/authority/${id}`)
      terminal.show({ retired: id }, () => `Root ${id} vouches for nobody any more.\n`)
    })

  command
    .command('revoke')
    .description('Revoke an issued certificate; it is refused from the next request on')
    .argument('<SERIAL>', 'its serial number in hex, or its thumbprint: see `key show`')
    .addOption(
      new Option(
        '--reason <REASON>',
        'why; keyCompromise ends everything that was issued after it, too',
      ).choices(reasons),
    )
    .action(async (serial: string, { reason }: { reason?: string }) => {
      const api = await cli.api()
      const answer = await api.post<RevocationAnswer>(path`/certificates/${serial}/revocation`, { reason })
      terminal.show(
        answer,
        () =>
          `Certificate ${answer.serial} (${answer.subject}) is revoked: ${answer.reason}. It is refused from the next request on.\n`,
      )
    })
}

function authorityTable(certificates: readonly AuthorityAnswer[], cli: Cli): string {
  return table(
    certificates,
    [
      { title: 'ID', cell: one => one.id },
      { title: 'ROLE', cell: one => one.role },
      { title: 'STATE', cell: one => one.state },
      { title: 'ISSUES FROM', cell: one => relativeTime(one.activeFrom, cli.now()) },
      {
        title: 'EXPIRES',
        cell: one => shortExpiry(one.notAfter, cli.now()),
        // Those that sign OCSP answers live for a month and are succeeded by themselves.
        colour: (one, paint) => expiryColour(one.role === 'ocsp' ? null : one.notAfter, cli.now(), paint),
      },
      {
        title: 'TRUSTED UNTIL',
        cell: one => (one.retireAt ? relativeTime(one.retireAt, cli.now()) : ''),
      },
      { title: 'KEY', cell: one => (one.holdsKey ? 'here' : 'elsewhere') },
      { title: 'SUBJECT', cell: one => one.subject },
    ],
    cli.terminal.paint,
  )
}

/** Those of RFC 5280 section 5.3.1 that fit a sender's certificate and are not taken back. */
const reasons = [
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
]

function days(text: string | undefined, option: string): number | undefined {
  return text === undefined ? undefined : wholeNumber(text, option)
}
