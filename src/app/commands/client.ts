import type { Command } from 'commander'
import { quote } from '../terminal/quote.ts'
import { details, table } from '../terminal/table.ts'
import { fullTime, relativeTime } from '../terminal/time.ts'
import { path } from './support/admin-api.ts'
import type { Cli, Define } from './support/command.ts'
import { WrongUsage } from './support/errors.ts'
import { readSecret } from './support/input.ts'
import { wholeNumber } from './support/key-request.ts'

interface ClientAnswer {
  readonly clientid: string
  readonly description: string
  readonly user: string
  readonly subscription: string
  readonly roles: readonly string[]
  readonly tokenLifetime: number
  readonly secret: 'chosen' | 'generated'
  readonly disabled: boolean
  readonly tokenurl: string
  readonly url: string
  readonly createdAt: string
  readonly updatedAt: string
  readonly lastUsedAt: string | null
}

type MadeAnswer = ClientAnswer & { readonly clientsecret?: string }

interface Settings {
  readonly secretFile?: string
  readonly tokenLifetime?: string
  readonly subscription?: string
  readonly description?: string
}

export const define: Define = (command, cli) => {
  const { terminal } = cli

  command
    .command('list')
    .description('List registered clients')
    .action(async () => {
      const api = await cli.api()
      const { clients } = await api.get<{ clients: ClientAnswer[] }>('/clients')
      terminal.show(clients, () =>
        clients.length === 0
          ? `There are none yet. Next: ${cli.next('client register ID')}\n`
          : list(clients, cli),
      )
    })

  withSettings(command.command('register'))
    .description('Register a client; a secret that is made is shown once')
    .argument('<ID>', 'the client id, chosen by you or by the sender')
    .action(async (clientid: string, options: Settings) => {
      const body = { clientid, ...(await readSettings(options, cli)) }
      const api = await cli.api()
      const made = await api.post<MadeAnswer>('/clients', body)
      terminal.show(made, () => `Client ${clientid} registered.\n${show(made, cli)}${nextStep(made, cli)}`)
      noteSecret(made, cli)
    })

  command
    .command('show')
    .description('Show a registered client, without its secret')
    .argument('<ID>')
    .action(async (id: string) => {
      const api = await cli.api()
      const client = await api.get<ClientAnswer>(path`/clients/${id}`)
      terminal.show(client, () => show(client, cli))
    })

  withSettings(command.command('update'))
    .description('Change a client; a lifetime counts for tokens that are out already, from their issue')
    .argument('<ID>')
    .option('--new-secret', 'make another secret; the old one is refused from now on')
    .action(async (id: string, { newSecret, ...options }: Settings & { newSecret?: boolean }) => {
      if (newSecret && options.secretFile !== undefined)
        throw new WrongUsage('give --secret-file or --new-secret, not both')
      const body = { ...(await readSettings(options, cli)), ...(newSecret && { secret: true }) }
      if (Object.keys(body).length === 0)
        throw new WrongUsage(
          'nothing to change: give --token-lifetime, --subscription, --description, --secret-file or --new-secret',
        )
      const api = await cli.api()
      const changed = await api.patch<MadeAnswer>(path`/clients/${id}`, body)
      terminal.show(changed, () => `Client ${id} changed.\n${show(changed, cli)}`)
      noteSecret(changed, cli)
    })

  for (const [name, disabled, description, told] of [
    ['disable', true, 'Refuse a client and its tokens from the next request on', 'is refused from now on'],
    [
      'enable',
      false,
      'Let a client in again',
      'is let in again; tokens that have not expired are good again',
    ],
  ] as const)
    command
      .command(name)
      .description(description)
      .argument('<ID>')
      .action(async (id: string) => {
        const api = await cli.api()
        const changed = await api.patch<ClientAnswer>(path`/clients/${id}`, { disabled })
        terminal.show(changed, () => `Client ${id} ${told}.\n`)
      })

  command
    .command('revoke')
    .description('Revoke every token of a client, or one')
    .argument('<ID>')
    .option('--token-file <FILE>', 'the token, alone in a file; - for standard input')
    .option('--token-id <JTI>', 'its id, as in the log line that says that it was issued')
    .action(async (id: string, options: { tokenFile?: string; tokenId?: string }) => {
      const { tokenFile, tokenId } = options
      if (tokenFile !== undefined && tokenId !== undefined)
        throw new WrongUsage('give --token-file or --token-id, not both')
      const token = tokenFile === undefined ? undefined : await readSecret(tokenFile, cli)
      const one = token !== undefined || tokenId !== undefined
      const api = await cli.api()
      await api.post(path`/clients/${id}/token-revocation`, { token, tokenId })
      terminal.show({ revoked: one ? 'one' : 'all', client: id }, () =>
        one
          ? `The token of client ${id} is refused from now on.\n`
          : `Every token that client ${id} has got so far is refused from now on.\n`,
      )
    })

  command
    .command('delete')
    .description(
      'Delete a client with the roles of its user; its tokens are refused from the next request on',
    )
    .argument('<ID>')
    .action(async (id: string) => {
      const api = await cli.api()
      await api.delete(path`/clients/${id}`)
      terminal.show(
        { deleted: id },
        () => `Client ${id} deleted; it and its tokens are refused from now on.\n`,
      )
    })
}

const withSettings = (command: Command): Command =>
  command
    .option('--secret-file <FILE>', 'a secret that was chosen, 16 characters at least; - for standard input')
    .option('--token-lifetime <SECONDS>', '1 to 15552000, that is 180 days (default: 3600)')
    .option('--subscription <NODE>', 'a runtime node of type iflmap or hcioem (default: default.iflmap)')
    .option('--description <TEXT>')

async function readSettings(
  { secretFile, tokenLifetime, subscription, description }: Settings,
  cli: Cli,
): Promise<Record<string, unknown>> {
  return {
    ...(secretFile !== undefined && { secret: await readSecret(secretFile, cli) }),
    ...(tokenLifetime !== undefined && { tokenLifetime: wholeNumber(tokenLifetime, '--token-lifetime') }),
    ...(subscription !== undefined && { subscription }),
    ...(description !== undefined && { description }),
  }
}

const list = (clients: readonly ClientAnswer[], { terminal, now }: Cli): string =>
  table(
    clients,
    [
      { title: 'CLIENT ID', cell: client => client.clientid },
      { title: 'SUBSCRIPTION', cell: client => client.subscription },
      { title: 'LIFETIME', cell: client => lifetime(client), align: 'right' },
      { title: 'STATE', cell: client => (client.disabled ? 'disabled' : 'enabled') },
      { title: 'LAST USED', cell: client => relativeTime(client.lastUsedAt, now()) },
      { title: 'ROLES', cell: client => client.roles.join(' ') || 'none' },
    ],
    terminal.paint,
  )

const show = (client: MadeAnswer, { terminal, now }: Cli): string =>
  details(
    [
      ['Client id', client.clientid],
      ['Secret', client.clientsecret ?? client.secret],
      ['Description', client.description],
      ['Token address', client.tokenurl],
      ['Flows', client.url],
      ['Subscription', client.subscription],
      ['User', client.user],
      ['Roles', client.roles.join(' ') || 'none'],
      ['Token lifetime', lifetime(client)],
      ['State', client.disabled ? 'disabled' : 'enabled'],
      ['Created', fullTime(client.createdAt, now())],
      ['Last used', fullTime(client.lastUsedAt, now())],
    ],
    terminal.paint,
  )

const lifetime = ({ tokenLifetime }: ClientAnswer) => `${tokenLifetime} s`

/** The described second step, where nobody has taken it. */
const nextStep = ({ user, subscription, roles }: ClientAnswer, cli: Cli): string =>
  roles.length > 0
    ? ''
    : `Next: ${cli.next(`role assign ESBMessaging.send --user ${quote(user)} --subscription ${subscription}`)}\n`

function noteSecret({ clientsecret }: MadeAnswer, { terminal }: Cli): void {
  if (clientsecret !== undefined)
    terminal.note('This secret is shown once: nobody can read it again. Keep it safe.')
}
