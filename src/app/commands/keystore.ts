import { expiryColour, shortExpiry } from '../terminal/expiry.ts'
import { quote } from '../terminal/quote.ts'
import { table } from '../terminal/table.ts'
import { path } from './support/admin-api.ts'
import type { Cli, Define } from './support/command.ts'
import { readPem, readSecret } from './support/input.ts'
import { wholeNumber } from './support/key-request.ts'

interface EntryAnswer {
  readonly alias: string
  readonly kind: 'key-pair' | 'certificate'
  readonly subject: string
  readonly issuer: string
  readonly algorithm: string
  readonly fingerprint: string
  readonly notAfter: string
  readonly state: string
  readonly warnings?: readonly string[]
}

type WholeAnswer = EntryAnswer & { readonly chain: readonly { readonly pem: string }[] }

interface CreateOptions {
  readonly subject?: string
  readonly keyLength?: string
  readonly validity?: string
}

interface ImportOptions {
  readonly passphraseFile?: string
  readonly entry?: string
  readonly allowNoMac?: boolean
  readonly replace?: boolean
}

export const define: Define = (command, cli) => {
  const { terminal } = cli

  command
    .command('list')
    .description('List the key pairs and certificates that Countersign shows to others')
    .action(async () => {
      const api = await cli.api()
      const { entries } = await api.get<{ entries: EntryAnswer[] }>('/keystore')
      terminal.show(entries, () =>
        entries.length === 0
          ? `There are none yet. Next: ${cli.next('keystore create ALIAS')}\n`
          : showEntries(entries, cli),
      )
    })

  command
    .command('create')
    .description('Make a key pair, with a certificate that it signs itself; the private key never leaves')
    .argument('<ALIAS>', 'up to 250 characters; upper and lower case are the same')
    .option('--subject <DN>', 'of the certificate, as CN=erp,O=Example (default: CN=ALIAS)')
    .option('--key-length <BITS>', '2048 (default), 3072 or 4096 for RSA; 256 or 384 for P-256, P-384')
    .option('--validity <DAYS>', 'of the certificate, 1 to 3650 (default: 1095)')
    .action(async (alias: string, { subject, keyLength, validity }: CreateOptions) => {
      const body = {
        alias,
        subject,
        ...(keyLength !== undefined && { keyLength: wholeNumber(keyLength, '--key-length') }),
        ...(validity !== undefined && { validityDays: wholeNumber(validity, '--validity') }),
      }
      const made = await (await cli.api()).post<EntryAnswer>('/keystore', body)
      const next = `To have it signed: ${cli.next(`keystore csr ${quote(alias)}`)}\n`
      showChanged(made, `Key pair ${alias} made.`, cli, next)
    })

  command
    .command('import')
    .description('Import a key pair, or certificates alone')
    .argument('<ALIAS>', 'up to 250 characters; upper and lower case are the same')
    .argument(
      '<FILE>',
      'PKCS#12, or PEM of a key with its certificates or of certificates alone; - for standard input',
    )
    .option('--passphrase-file <FILE>', 'what opens the private key; - for standard input')
    .option('--entry <NAME>', 'which one, where the file holds several')
    .option('--allow-no-mac', 'read a PKCS#12 file without a MAC, which anybody could have changed')
    .option('--replace', 'put it in the place of the entry of that alias; what uses it goes on using it')
    .action(async (alias: string, file: string, options: ImportOptions) => {
      const { passphraseFile, entry, allowNoMac, replace } = options
      const body = {
        alias,
        file: await readPem(file, cli),
        ...(passphraseFile !== undefined && { passphrase: await readSecret(passphraseFile, cli) }),
        entry,
        allowNoMac,
        replace,
      }
      const imported = await (await cli.api()).post<EntryAnswer>('/keystore/import', body)
      const what = imported.kind === 'key-pair' ? 'Key pair' : 'Certificate'
      showChanged(imported, `${what} ${alias} imported.`, cli)
    })

  command
    .command('csr')
    .description('Print a signing request for a key pair: what an authority makes a certificate from')
    .argument('<ALIAS>')
    .action(async (alias: string) => {
      const answer = await (await cli.api()).get<{ csr: string }>(path`/keystore/${alias}/signing-request`)
      terminal.show(answer, () => answer.csr)
    })

  command
    .command('chain')
    .description('Take what the authority has signed, in the place of the certificates before')
    .argument('<ALIAS>')
    .argument('<FILE>', 'the certificate with those of its issuers, in any order; - for standard input')
    .action(async (alias: string, file: string) => {
      const certificates = await readPem(file, cli)
      const changed = await (await cli.api()).post<EntryAnswer>(path`/keystore/${alias}/chain`, {
        certificates,
      })
      showChanged(changed, `Key pair ${alias} has another certificate.`, cli)
    })

  command
    .command('export')
    .description('Print the certificates of an entry as PEM; its private key never leaves')
    .argument('<ALIAS>')
    .option('--certificate', 'its own alone, without those of its issuers')
    .action(async (alias: string, { certificate }: { certificate?: boolean }) => {
      const entry = await (await cli.api()).get<WholeAnswer>(path`/keystore/${alias}`)
      const shown = certificate ? entry.chain.slice(0, 1) : entry.chain
      terminal.show({ ...entry, chain: shown }, () => shown.map(({ pem }) => pem).join(''))
    })

  command
    .command('rename')
    .description('Give an entry another alias; what uses it goes on using it')
    .argument('<ALIAS>')
    .argument('<NEW>')
    .action(async (alias: string, to: string) => {
      const renamed = await (await cli.api()).patch<EntryAnswer>(path`/keystore/${alias}`, { alias: to })
      terminal.show(renamed, () => `${alias} is called ${to} now.\n`)
    })

  command
    .command('delete')
    .description('Delete an entry with its private key, of which there is no copy')
    .argument('<ALIAS>')
    .action(async (alias: string) => {
      await (await cli.api()).delete(path`/keystore/${alias}`)
      terminal.show({ deleted: alias }, () => `${alias} deleted.\n`)
    })
}

function showChanged({ warnings = [], ...entry }: EntryAnswer, done: string, cli: Cli, next = ''): void {
  for (const warning of warnings) cli.terminal.warn(warning)
  cli.terminal.show(entry, () => `${done}\n${showEntries([entry], cli)}${next}`)
}

function showEntries(entries: readonly EntryAnswer[], { terminal, now }: Cli): string {
  return table(
    entries,
    [
      { title: 'ALIAS', cell: one => one.alias },
      { title: 'KIND', cell: one => (one.kind === 'key-pair' ? 'key pair' : one.kind) },
      { title: 'KEY', cell: one => one.algorithm },
      {
        title: 'EXPIRES',
        cell: one => shortExpiry(one.notAfter, now()),
        colour: (one, paint) => expiryColour(one.notAfter, now(), paint),
      },
      { title: 'STATE', cell: one => one.state },
      { title: 'SUBJECT', cell: one => one.subject },
      { title: 'ISSUER', cell: one => (one.issuer === one.subject ? 'itself' : one.issuer) },
      { title: 'FINGERPRINT', cell: one => one.fingerprint },
    ],
    terminal.paint,
  )
}
