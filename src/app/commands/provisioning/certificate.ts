import { chmodSync, writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { expiryColour, shortExpiry } from '../../terminal/expiry.ts'
import { quote } from '../../terminal/quote.ts'
import { table } from '../../terminal/table.ts'
import { path } from '../support/admin-api.ts'
import type { Cli } from '../support/command.ts'
import { Refused } from '../support/errors.ts'

interface CertificateAnswer {
  readonly fingerprint: string
  readonly active: boolean
  readonly state: string
  readonly subject: string
  readonly issuer: string
  readonly algorithm: string
  readonly notAfter: string
}

interface DownloadOptions {
  readonly fingerprint?: string
  readonly chain?: boolean
}

/** From so long before the end on, somebody has to do something. */
const warnedBeforeMs = 30 * 86_400_000

export function defineCertificates(command: Command, cli: Cli): void {
  const { terminal } = cli
  command.description('Certificates that a system is shown: two at most, of which one is active')

  command
    .command('generate')
    .description('Make a certificate with a new key: the first is active at once, the second when you say so')
    .argument('<SYSTEM>')
    .action(async (system: string) => {
      const made = await (await cli.api()).post<CertificateAnswer>(
        path`/provisioning/systems/${system}/certificates`,
        {},
      )
      terminal.show(
        made,
        () =>
          `Certificate generated successfully${made.active ? '' : ': it waits to be activated'}.\n` +
          `${showCertificates([made], cli)}` +
          `Upload it at ${system}: ${cli.next(`provisioning certificate download ${quote(system)} FILE`)}\n` +
          (made.active
            ? ''
            : `Then: ${cli.next(`provisioning certificate activate ${quote(system)} ${made.fingerprint}`)}\n`),
      )
    })

  command
    .command('list')
    .description('List the certificates of a system')
    .argument('<SYSTEM>')
    .action(async (system: string) => {
      const { certificates } = await (await cli.api()).get<{ certificates: CertificateAnswer[] }>(
        path`/provisioning/systems/${system}/certificates`,
      )
      warnOfEnd(system, certificates, cli)
      terminal.show(certificates, () =>
        certificates.length === 0
          ? `There are none yet. Next: ${cli.next(`provisioning certificate generate ${quote(system)}`)}\n`
          : showCertificates(certificates, cli),
      )
    })

  command
    .command('download')
    .description('Write a certificate to a file: what is uploaded at the other side. The key never leaves.')
    .argument('<SYSTEM>')
    .argument('<FILE>', 'PEM; - for standard output')
    .option('--fingerprint <SHA-256>', 'which one, by the beginning of its fingerprint (default: the newest)')
    .option('--chain', 'with the certificates above it, up to the root')
    .action(async (system: string, file: string, { fingerprint = 'newest', chain }: DownloadOptions) => {
      const api = await cli.api()
      const found = await api.get<{ fingerprint: string; pem: string; chain: string }>(
        path`/provisioning/systems/${system}/certificates/${fingerprint}`,
      )
      const content = chain ? found.chain : found.pem
      if (file === '-') return terminal.show(found, () => content)
      save(file, content)
      const what = chain ? 'Certificate and chain' : 'Certificate'
      terminal.show(
        { file, fingerprint: found.fingerprint },
        () => `${what} ${found.fingerprint} in ${file}\n`,
      )
    })

  command
    .command('activate')
    .description('Show the system this certificate from the next call on; the other becomes inactive')
    .argument('<SYSTEM>')
    .argument('<FINGERPRINT>', 'or how it begins')
    .action(async (system: string, fingerprint: string) => {
      const active = await (await cli.api()).post<CertificateAnswer>(
        path`/provisioning/systems/${system}/certificates/${fingerprint}/activate`,
        {},
      )
      terminal.show(
        active,
        () => `${system} is shown this certificate from now on.\n${showCertificates([active], cli)}`,
      )
    })

  command
    .command('delete')
    .description('Delete an inactive certificate, and revoke it')
    .argument('<SYSTEM>')
    .argument('<FINGERPRINT>', 'or how it begins')
    .action(async (system: string, fingerprint: string) => {
      await (await cli.api()).delete(path`/provisioning/systems/${system}/certificates/${fingerprint}`)
      terminal.show({ deleted: fingerprint }, () => `Certificate ${fingerprint} deleted and revoked.\n`)
    })
}

/** Others must be able to read it: it is handed on. */
function save(file: string, content: string): void {
  try {
    writeFileSync(file, content)
    chmodSync(file, 0o644)
  } catch (error) {
    throw new Refused(`cannot write ${file}: ${(error as Error).message}`)
  }
}

function warnOfEnd(system: string, certificates: readonly CertificateAnswer[], cli: Cli): void {
  const active = certificates.find(one => one.active)
  if (!active || Date.parse(active.notAfter) - cli.now() > warnedBeforeMs) return
  const successor = certificates.find(one => !one.active)
  const command = successor
    ? `provisioning certificate activate ${quote(system)} ${successor.fingerprint}`
    : `provisioning certificate generate ${quote(system)}`
  cli.terminal.warn(
    `the active certificate: ${shortExpiry(active.notAfter, cli.now())}. ${successor ? `Once the other one is uploaded at ${system}` : 'Make its successor'}: ${cli.next(command)}`,
  )
}

const showCertificates = (certificates: readonly CertificateAnswer[], { terminal, now }: Cli): string =>
  table(
    certificates,
    [
      {
        title: 'USED',
        cell: one => (one.active ? 'active' : 'inactive'),
        colour: (one, paint) => (one.active ? paint.green : paint.dim),
      },
      {
        title: 'EXPIRES',
        cell: one => shortExpiry(one.notAfter, now()),
        colour: (one, paint) => expiryColour(one.notAfter, now(), paint),
      },
      { title: 'STATE', cell: one => one.state },
      { title: 'KEY', cell: one => one.algorithm },
      { title: 'SUBJECT', cell: one => one.subject },
      { title: 'ISSUER', cell: one => one.issuer },
      { title: 'FINGERPRINT', cell: one => one.fingerprint },
    ],
    terminal.paint,
  )
