import { Option } from 'commander'
import { expiryColour, shortExpiry } from '../terminal/expiry.ts'
import { table } from '../terminal/table.ts'
import { path } from './support/admin-api.ts'
import type { Define } from './support/command.ts'
import { readPem } from './support/input.ts'

interface TrustAnswer {
  readonly fingerprint: string
  readonly role: 'root' | 'intermediate'
  readonly subject: string
  readonly issuer: string
  readonly notAfter: string
  readonly crlUrl: string | null
  readonly ocspUrl: string | null
  readonly revocation: string
  readonly addedAt: string
}

interface AddOptions {
  readonly crlUrl?: string
  readonly ocspUrl?: string
  readonly revocation?: string
}

export const define: Define = (command, cli) => {
  const { terminal } = cli

  command
    .command('list')
    .description('List the roots that are accepted from senders, and what completes their chains')
    .action(async () => {
      const api = await cli.api()
      const { certificates } = await api.get<{ certificates: TrustAnswer[] }>('/trust')
      terminal.show(certificates, () =>
        certificates.length === 0
          ? `Only certificates that Countersign issues are accepted. Others: ${cli.next('trust add FILE')}\n`
          : table(
              certificates,
              [
                { title: 'ROLE', cell: one => one.role },
                { title: 'SUBJECT', cell: one => one.subject },
                {
                  title: 'EXPIRES',
                  cell: one => shortExpiry(one.notAfter, cli.now()),
                  colour: (one, paint) => expiryColour(one.notAfter, cli.now(), paint),
                },
                { title: 'REVOCATION', cell: revocationOf },
                { title: 'FINGERPRINT', cell: one => one.fingerprint },
              ],
              terminal.paint,
            ),
      )
    })

  command
    .command('add')
    .description('Accept what the authorities in a file vouch for')
    .argument('<FILE>', 'PEM of one or more certificates, or one in DER; - for standard input')
    .option('--crl-url <URL>', 'where their revocation list is; an address in a certificate is never asked')
    .option('--ocsp-url <URL>', 'where their OCSP responder is')
    .addOption(
      new Option(
        '--revocation <POLICY>',
        'hard (default with an address): refuse where the status cannot be found out; soft: let in; off: do not ask',
      ).choices(['off', 'soft', 'hard']),
    )
    .action(async (file: string, options: AddOptions) => {
      const certificates = await readPem(file, cli)
      const api = await cli.api()
      const answer = await api.post<{ certificates: TrustAnswer[] }>('/trust', { certificates, ...options })
      terminal.show(answer.certificates, () =>
        answer.certificates
          .map(({ role, subject, fingerprint }) => `Trusted ${role}: ${subject}  ${fingerprint}\n`)
          .join(''),
      )
      if (!answer.certificates.some(({ role }) => role === 'root'))
        terminal.warn('no root among them: they complete chains, and vouch for nobody by themselves')
    })

  command
    .command('remove')
    .description('Accept it no more; what it vouched for is refused from the next request on')
    .argument('<FINGERPRINT>', 'SHA-256 in hex, with or without colons')
    .action(async (fingerprint: string) => {
      const api = await cli.api()
      await api.delete(path`/trust/${fingerprint}`)
      terminal.show(
        { removed: fingerprint },
        () => `${fingerprint} vouches for nobody any more, from the next request on.\n`,
      )
    })
}

function revocationOf({ revocation, crlUrl, ocspUrl }: TrustAnswer): string {
  const asked = [crlUrl && `CRL ${crlUrl}`, ocspUrl && `OCSP ${ocspUrl}`].filter(Boolean).join(' and ')
  return revocation === 'off' || asked === '' ? revocation : `${revocation}, ${asked}`
}
