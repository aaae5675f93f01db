import { type Command, Option } from 'commander'
import type { AccessToken, ServiceKey } from '../../../client/index.ts'
import { type Cli, collect } from './command.ts'
import { readJson } from './input.ts'
import { asSender, readKey, tokenClient } from './sender.ts'

/** What `token` and `call` have in common. */
export interface SenderOptions {
  readonly key: string
  readonly format?: 'jwt' | 'opaque'
  readonly scope?: readonly string[]
}

export function withSenderOptions(command: Command): Command {
  return command
    .requiredOption('--key <FILE>', 'service key of the sender; - for standard input')
    .addOption(
      new Option('--format <FORMAT>', "form of the token (default: the instance's)").choices([
        'jwt',
        'opaque',
      ]),
    )
    .option('--scope <SCOPE>', 'ask for this scope only; may be repeated', collect)
}

export async function readSenderKey({ key }: SenderOptions, cli: Cli): Promise<ServiceKey> {
  return readKey(await readJson(key, cli), key)
}

/** A fresh access token for the key. */
export async function fetchToken(
  key: ServiceKey,
  { format, scope }: SenderOptions,
  cli: Cli,
): Promise<AccessToken> {
  const client = tokenClient(key, cli.trust(), format)
  try {
    return await asSender(key, () => client.token({ scope: scope?.join(' ') }))
  } finally {
    client.close()
  }
}
