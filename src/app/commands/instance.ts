import { type Command, Option } from 'commander'
import { instanceDialects } from '../../core/tokens/index.ts'
import { details, table } from '../terminal/table.ts'
import { fullTime, relativeTime } from '../terminal/time.ts'
import { path } from './support/admin-api.ts'
import { type Cli, collect, type Define } from './support/command.ts'
import { WrongUsage } from './support/errors.ts'
import { readParameters } from './support/input.ts'
import { wholeNumber } from './support/key-request.ts'

interface InstanceAnswer {
  readonly id: string
  readonly name: string
  readonly plan: string
  readonly dialect: string
  readonly roles: readonly string[]
  readonly 'grant-types': readonly string[]
  readonly 'redirect-uris': readonly string[]
  readonly 'token-validity': number
  readonly 'token-format': string
  readonly 'bind-tokens': boolean
  readonly 'assertion-audience'?: string
  readonly 'assertion-replay'?: string
  readonly 'certificate-overlap'?: number
  readonly createdAt: string
  readonly updatedAt: string
}

interface ParameterOptions {
  readonly dialect?: string
  readonly role?: readonly string[]
  readonly tokenValidity?: string
  readonly bind?: boolean
  readonly assertionAudience?: string
  readonly assertionReplay?: string
  readonly parameters?: string
}

export const define: Define = (command, cli) => {
  const { terminal } = cli

  command
    .command('list')
    .description('List service instances')
    .action(async () => {
      const api = await cli.api()
      const { instances } = await api.get<{ instances: InstanceAnswer[] }>('/instances')
      terminal.show(instances, () =>
        instances.length === 0
          ? `There are none yet. Next: ${cli.next('instance create NAME')}\n`
          : table(
              instances,
              [
                { title: 'NAME', cell: instance => instance.name },
                { title: 'PLAN', cell: instance => instance.plan },
                { title: 'TOKENS', cell: tokens },
                { title: 'CREATED', cell: instance => relativeTime(instance.createdAt, cli.now()) },
                { title: 'ROLES', cell: instance => fewOf(instance.roles) },
              ],
              terminal.paint,
            ),
      )
    })

  withParameters(command.command('create'))
    .description('Create a service instance')
    .argument('<NAME>', 'up to 32 characters out of A-Z a-z 0-9 . _ -')
    .option('--plan <PLAN>', 'integration-flow (default) or api')
    .action(async (name: string, options: ParameterOptions & { plan?: string }) => {
      const parameters = await readOptions(options, cli)
      const api = await cli.api()
      const instance = await api.post<InstanceAnswer>('/instances', { name, plan: options.plan, parameters })
      terminal.show(
        instance,
        () =>
          `Instance ${instance.name} of plan ${instance.plan} created, with ${rolesOf(instance)}.\n` +
          `Next: ${cli.next(`key create ${instance.name} NAME --out DIR`)}\n`,
      )
    })

  command
    .command('show')
    .description('Show a service instance')
    .argument('<NAME>')
    .action(async (name: string) => {
      const api = await cli.api()
      const instance = await api.get<InstanceAnswer>(path`/instances/${name}`)
      terminal.show(instance, () => show(instance, cli))
    })

  withParameters(command.command('update'))
    .description('Change a service instance; what is given replaces the old value')
    .argument('<NAME>')
    .action(async (name: string, options: ParameterOptions) => {
      const parameters = await readOptions(options, cli)
      if (Object.keys(parameters).length === 0)
        throw new WrongUsage(
          'nothing to change: give --role, --token-validity, --dialect, --bind, --assertion-audience, --assertion-replay or -c',
        )
      const api = await cli.api()
      const instance = await api.patch<InstanceAnswer>(path`/instances/${name}`, { parameters })
      terminal.show(instance, () => `Instance ${instance.name} changed.\n${show(instance, cli)}`)
    })

  command
    .command('delete')
    .description('Delete a service instance with its keys')
    .argument('<NAME>')
    .action(async (name: string) => {
      const api = await cli.api()
      await api.delete(path`/instances/${name}`)
      terminal.show(
        { deleted: name },
        () => `Instance ${name} and its keys are deleted; their tokens died.\n`,
      )
    })
}

function withParameters(command: Command): Command {
  return command
    .option('--role <ROLE>', 'a role that its tokens carry; may be repeated', collect)
    .option('--token-validity <SECONDS>', '3600 to 86400')
    .addOption(
      new Option(
        '--dialect <DIALECT>',
        'how its clients expect the token server to look; default standard',
      ).choices(instanceDialects),
    )
    .option('--bind', 'bind tokens that were got with a certificate to it: nobody else can use them')
    .option('--no-bind', 'do not (default)')
    .addOption(
      new Option(
        '--assertion-audience <AUDIENCE>',
        'whom assertions are made for: the issuer alone (default), or the token endpoint as well',
      ).choices(['issuer', 'token-endpoint']),
    )
    .addOption(
      new Option(
        '--assertion-replay <WHAT>',
        'what becomes of an assertion that was used before: refused (default), or accepted and reported',
      ).choices(['refused', 'reported']),
    )
    .option(
      '-c, --parameters <FILE>',
      'a JSON file with parameters, - for standard input, or the JSON itself',
    )
}

/** The parameters of `-c`, with those that have an option of their own in their place. */
async function readOptions(options: ParameterOptions, cli: Cli): Promise<Record<string, unknown>> {
  return {
    ...(await readParameters(options.parameters, cli)),
    ...(options.role && { roles: options.role }),
    ...(options.dialect && { dialect: options.dialect }),
    ...(options.bind !== undefined && { 'bind-tokens': options.bind }),
    ...(options.assertionAudience && { 'assertion-audience': options.assertionAudience }),
    ...(options.assertionReplay && { 'assertion-replay': options.assertionReplay }),
    ...(options.tokenValidity !== undefined && {
      'token-validity': wholeNumber(options.tokenValidity, '--token-validity'),
    }),
  }
}

function show(instance: InstanceAnswer, cli: Cli): string {
  return details(
    [
      ['Name', instance.name],
      ['Plan', instance.plan],
      ['Dialect', instance.dialect],
      ['Roles', instance.roles.join(' ') || 'none'],
      ['Grant types', instance['grant-types'].join(' ')],
      ['Redirect URIs', instance['redirect-uris'].join(' ')],
      ['Tokens', tokens(instance)],
      ['Assertions', assertions(instance)],
      ['Overlap', overlapOf(instance)],
      ['Created', fullTime(instance.createdAt, cli.now())],
      ['Updated', fullTime(instance.updatedAt, cli.now())],
    ],
    cli.terminal.paint,
  )
}

function tokens(instance: InstanceAnswer): string {
  const bound = instance['bind-tokens'] ? ', bound' : ''
  return `${instance['token-format']}, ${instance['token-validity']} s${bound}`
}

/** Nothing, where they are as they should be. */
function assertions(instance: InstanceAnswer): string | undefined {
  const looser = [
    ...(instance['assertion-audience'] === 'token-endpoint' ? ['for the token endpoint, too'] : []),
    ...(instance['assertion-replay'] === 'reported' ? ['may be used again'] : []),
  ]
  return looser.length === 0 ? undefined : looser.join('; ')
}

/** For which a credential is accepted beside its successor. */
function overlapOf({ 'certificate-overlap': days }: InstanceAnswer): string | undefined {
  return days === undefined ? undefined : `${days} day${days === 1 ? '' : 's'} after a rotation or renewal`
}

function rolesOf({ roles }: InstanceAnswer): string {
  return roles.length === 0 ? 'no role' : `role${roles.length > 1 ? 's' : ''} ${roles.join(', ')}`
}

const shownInTable = 3

function fewOf(roles: readonly string[]): string {
  const more = roles.length - shownInTable
  return roles.slice(0, shownInTable).join(' ') + (more > 0 ? ` and ${more} more` : '')
}
