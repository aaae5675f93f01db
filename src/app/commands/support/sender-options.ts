import { type Command, Option } from 'commander'
import type { ServiceKey, ServiceKeyClientOptions, TlsOptions, TokenClient } from '../../../client/index.ts'
import { type Cli, collect } from './command.ts'
import { readJson } from './input.ts'
import {
  type OwnCertificateOptions,
  readOwnCertificate,
  readSigningKey,
  warnOfReaders,
} from './own-certificate.ts'
import { asSender, readKey, tokenClient } from './sender.ts'

/** What `token` and `call` have in common. */
export interface SenderOptions extends OwnCertificateOptions {
  readonly format?: 'jwt' | 'opaque'
  readonly scope?: readonly string[]
}

/** A service key, with the certificate that its connections show. */
export interface Sender {
  readonly key: ServiceKey
  readonly certificate: TlsOptions | undefined
  /** With which it signs assertions. */
  readonly signingKey: ServiceKeyClientOptions['signingKey']
}

export function withSenderOptions(command: Command): Command {
  return command
    .requiredOption('--key <FILE>', 'service key of the sender; - for standard input')
    .option('--private-key <FILE>', "the sender's own, where the key holds none")
    .option('--certificate <FILE>', 'the certificate with its intermediates, in place of that in the key')
    .option('--pkcs12 <FILE>', 'both in a .p12 file')
    .option('--passphrase-file <FILE>', 'of --pkcs12, or of an encrypted --private-key')
    .addOption(
      new Option('--format <FORMAT>', "form of the token (default: the instance's)").choices([
        'jwt',
        'opaque',
      ]),
    )
    .option('--scope <SCOPE>', 'ask for this scope only; may be repeated', collect)
}

/** Reads what the options name. Throws WrongUsage. */
export async function readSender(options: SenderOptions, cli: Cli): Promise<Sender> {
  const key = readKey(await readJson(options.key, cli), options.key)
  const certificate = await readOwnCertificate(key, options, cli)
  const signingKey = await readSigningKey(key, options, cli)
  const secret = key.clientSecret !== undefined || key.key !== undefined
  warnOfReaders([secret ? options.key : undefined, options.privateKey, options.passphraseFile], cli)
  return { key, certificate, signingKey }
}

/** Asks for a fresh access token, by `ask`. */
export async function withToken<Value>(
  { key, certificate, signingKey }: Sender,
  { format, scope }: SenderOptions,
  cli: Cli,
  ask: (client: TokenClient, options: { scope?: string | undefined }) => Promise<Value>,
): Promise<Value> {
  const trust = cli.trust()
  const client = tokenClient(key, trust, { format, certificate, signingKey })
  try {
    return await asSender(key, () => ask(client, { scope: scope?.join(' ') }), trust)
  } finally {
    client.close()
  }
}
