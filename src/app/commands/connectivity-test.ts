import { writeFileSync } from 'node:fs'
import { strToU8, zipSync } from 'fflate'
import { type Check, checkList } from '../terminal/checks.ts'
import { expiryColour, shortExpiry } from '../terminal/expiry.ts'
import { details, table } from '../terminal/table.ts'
import type { Cli, Define } from './support/command.ts'
import { Refused, WrongUsage } from './support/errors.ts'
import { wholeNumber } from './support/key-request.ts'

interface CertificateAnswer {
  readonly role: 'leaf' | 'intermediate' | 'root'
  readonly subject: string
  readonly issuer: string
  readonly fingerprint: string
  readonly notAfter: string
  readonly sent: boolean
  readonly pem: string
}

interface ReportAnswer {
  readonly host: string
  readonly port: number
  readonly works: boolean
  readonly reason: string | null
  readonly hint: string | null
  readonly checks: readonly Check[]
  readonly addresses: readonly string[]
  readonly address: string | null
  readonly protocol: string | null
  readonly cipher: string | null
  readonly certificates: readonly CertificateAnswer[]
  readonly missingRoot: string | null
  readonly asksForCertificate: boolean | null
  readonly acceptedAuthorities: readonly string[]
}

interface Options {
  readonly port?: string
  readonly clientCertificate?: string
  readonly verify: boolean
  readonly download?: string
  readonly trust?: string
  readonly fingerprint?: string
}

export const define: Define = (command, cli) => {
  command
    .argument('<HOST|URL>', 'what to connect to')
    .option('--port <PORT>', 'default: that of the URL, else 443')
    .option('--client-certificate <ALIAS>', 'a key pair of the keystore, to be shown if the server asks')
    .option('--no-verify', 'take whatever server answers, and say what is wrong with it')
    .option('--download <FILE.zip>', 'the certificates of the server, one .cer for each')
    .option('--trust <ALIAS>', 'put the root that the server has sent into the keystore, under this alias')
    .option('--fingerprint <SHA-256>', 'of that root, as its owner publishes it: goes with --trust')
    .action((address: string, options: Options) => tryConnection(address, options, cli))
}

async function tryConnection(address: string, options: Options, cli: Cli): Promise<void> {
  const { port, clientCertificate, verify, download, trust, fingerprint } = options
  if (download !== undefined && !download.endsWith('.zip'))
    throw new WrongUsage('--download writes a zip file: let its name end in .zip')
  if (fingerprint !== undefined && trust === undefined)
    throw new WrongUsage('--fingerprint goes with --trust')
  const api = await cli.api()
  const report = await api.post<ReportAnswer>('/connectivity-tests', {
    address,
    verify,
    ...(port !== undefined && { port: wholeNumber(port, '--port') }),
    ...(clientCertificate !== undefined && { clientCertificate }),
  })
  cli.terminal.show(report, () => show(report, cli))
  if (report.certificates.length === 0 && (download ?? trust) !== undefined) throw notShown(report, download)
  if (download !== undefined) save(report, download, cli)
  if (trust !== undefined) return trustRoot(report, trust, fingerprint, cli)
  if (!report.works)
    throw new Refused(
      report.reason ?? 'the connection would not work',
      report.hint ? { hint: report.hint } : {},
    )
  if (report.hint) cli.terminal.warn(report.hint)
}

/** Without a certificate nothing can be saved or trusted: why there is none counts. */
function notShown({ host, reason, hint, checks }: ReportAnswer, download: string | undefined): Refused {
  const why = reason ?? checks.find(({ outcome }) => outcome === 'failed')?.reason
  const hints = [hint, download !== undefined && `Nothing was saved in ${download}.`].filter(Boolean)
  return new Refused(
    why ?? `${host} has shown no certificate`,
    hints.length > 0 ? { hint: hints.join(' ') } : {},
  )
}

function show(report: ReportAnswer, { terminal, now }: Cli): string {
  const { addresses, address, protocol, cipher, asksForCertificate, acceptedAuthorities } = report
  const facts = details(
    [
      ['Server', `${report.host}:${report.port}`],
      [
        'Addresses',
        addresses.map(one => (one === address ? `${one} (answered)` : one)).join(', ') || undefined,
      ],
      ['TLS', protocol === null ? undefined : `${protocol}, ${cipher}`],
      [
        'Client certificate',
        asksForCertificate === null
          ? undefined
          : asksForCertificate
            ? `asked for, of ${acceptedAuthorities.join('; ') || 'anybody'}`
            : 'not asked for',
      ],
      ['Missing here', report.missingRoot ?? undefined],
    ],
    terminal.paint,
  )
  const chain =
    report.certificates.length === 0
      ? []
      : [
          table(
            report.certificates,
            [
              { title: 'CERTIFICATE', cell: one => (one.sent ? one.role : `${one.role} (not sent)`) },
              { title: 'SUBJECT', cell: one => one.subject },
              { title: 'ISSUER', cell: one => one.issuer },
              {
                title: 'EXPIRES',
                cell: one => shortExpiry(one.notAfter, now()),
                colour: (one, paint) => expiryColour(one.notAfter, now(), paint),
              },
              { title: 'FINGERPRINT', cell: one => one.fingerprint },
            ],
            terminal.paint,
          ),
        ]
  return [checkList(report.checks, terminal.paint), facts, ...chain].join('\n')
}

/** A root is trusted only when somebody has compared it with what its owner says: the connection itself proves nothing. */
async function trustRoot(
  { certificates, host }: ReportAnswer,
  alias: string,
  expected: string | undefined,
  cli: Cli,
): Promise<void> {
  const root = certificates.find(({ role }) => role === 'root')
  if (!root)
    throw new Refused(`${host} did not send its root, and it is not known here`, {
      hint: 'Get it from its owner: countersign keystore import ALIAS FILE.',
    })
  const plain = (text: string) => text.replace(/[:\s]/g, '').toLowerCase()
  if (expected === undefined)
    throw new Refused(`the root is ${root.subject}, with the fingerprint ${root.fingerprint}`, {
      hint: 'Compare it with what its owner publishes, elsewhere than on this connection; then say it: --fingerprint.',
    })
  if (plain(expected) !== root.fingerprint)
    throw new Refused(`the root that ${host} has sent is another one: its fingerprint is ${root.fingerprint}`)
  await (await cli.api()).post('/keystore/import', { alias, file: root.pem })
  cli.terminal.note(`Root ${root.subject} is trusted from now on, as ${alias}.`)
}

/** One file for each certificate; its name says what it is, and where in the chain. */
function save({ certificates, missingRoot }: ReportAnswer, file: string, { terminal }: Cli): void {
  const entries = certificates.map(({ role, subject, pem }, i) => [
    `${i + 1}-${role}-${commonName(subject)}.cer`,
    strToU8(pem),
  ])
  writeFileSync(file, zipSync(Object.fromEntries(entries)))
  const saved = `${certificates.length} certificates in ${file}`
  if (certificates.some(({ role }) => role === 'root')) terminal.note(saved)
  else
    terminal.warn(
      `${saved}; the root was not sent and is not known here${missingRoot ? `: ${missingRoot}` : ''}`,
    )
}

/** What of a name can stand in a file name. */
function commonName(subject: string): string {
  const name = /(?:^|,) *CN=([^,]+)/i.exec(subject)?.[1] ?? subject
  return name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 60) || 'certificate'
}
