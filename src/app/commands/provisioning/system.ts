import { type Command, Option } from 'commander'
import { quote } from '../../terminal/quote.ts'
import { path } from '../support/admin-api.ts'
import type { Cli } from '../support/command.ts'
import { Refused } from '../support/errors.ts'
import { listTypes, readChanges } from './properties.ts'
import {
  type ShownSystem,
  type SystemAnswer,
  showProperties,
  showSystem,
  showSystems,
  showTypes,
} from './system-answer.ts'

const propertyHelp =
  'NAME=VALUE, NAME=@FILE (the way for secrets; @- for standard input), NAME= to take it away'

export function defineSystems(command: Command, cli: Cli): void {
  const { terminal } = cli
  command.description('Systems that users and groups are read from (sources) and written to (targets)')

  command
    .command('types')
    .description('List the types of systems, or the properties of one')
    .argument('[TYPE]', 'whose properties to list')
    .action(async (name: string | undefined) => {
      const types = await listTypes(await cli.api())
      if (name === undefined) return terminal.show(types, () => showTypes(types, cli))
      const type = types.find(one => one.name === name)
      if (!type)
        throw new Refused(`there is no system type ${name}`, {
          hint: `The types are ${types.map(one => one.name).join(', ')}.`,
        })
      terminal.show(type, () => showProperties(type.properties, cli))
    })

  command
    .command('list')
    .description('List the systems')
    .action(async () => {
      const { systems } = await (await cli.api()).get<{ systems: SystemAnswer[] }>('/provisioning/systems')
      terminal.show(systems, () =>
        systems.length === 0
          ? `There are none yet. Next: ${cli.next('provisioning system create NAME --type TYPE --role source')}\n`
          : showSystems(systems, cli),
      )
    })

  command
    .command('create')
    .description('Create a system')
    .argument('<NAME>', '1 to 64 of A-Z a-z 0-9 . _ -')
    .argument('[PROPERTY=VALUE...]', propertyHelp)
    .requiredOption('--type <TYPE>', 'see `provisioning system types`')
    .addOption(
      new Option('--role <ROLE>', 'what it is for')
        .choices(['source', 'target', 'proxy'])
        .makeOptionMandatory(),
    )
    .action(async (name: string, args: string[], { type, role }: { type: string; role: string }) => {
      const properties = await readChanges(args, async () => type, cli)
      const body = { name, type, role, properties }
      const made = await (await cli.api()).post<SystemAnswer>('/provisioning/systems', body)
      terminal.show(made, () => `System ${made.name} created: a ${role} of type ${type}.\n${next(made, cli)}`)
    })

  command
    .command('set')
    .description('Set properties of a system and take them away: all that are given, or none')
    .argument('<NAME>')
    .argument('<PROPERTY=VALUE...>', propertyHelp)
    .action(async (name: string, args: string[]) => {
      const place = path`/provisioning/systems/${name}`
      const api = await cli.api()
      const properties = await readChanges(args, async () => (await api.get<SystemAnswer>(place)).type, cli)
      const changed = await api.patch<SystemAnswer>(place, { properties })
      terminal.show(changed, () => `System ${changed.name} changed.\n${next(changed, cli)}`)
    })

  command
    .command('show')
    .description('Show a system with its properties; of what is secret, the names')
    .argument('<NAME>')
    .action(async (name: string) => {
      const system = await (await cli.api()).get<ShownSystem>(path`/provisioning/systems/${name}`)
      terminal.show(system, () => `${showSystem(system, cli)}${next(system, cli)}`)
    })

  command
    .command('reset')
    .description(
      'Forget what is known of the entities of a source: the next job finds them in the targets again, or makes them',
    )
    .argument('<SOURCE>')
    .action(async (name: string) => {
      const answer = await (await cli.api()).post<{ name: string }>(
        path`/provisioning/systems/${name}/reset`,
        {},
      )
      terminal.show(
        answer,
        () =>
          `Nothing is known any more of what ${answer.name} brought into its targets. What is there counts as there before: no job deletes it, unless the target has ips.delete.existedbefore.entities=true.\n`,
      )
    })

  command
    .command('delete')
    .description('Delete a system with its certificates, its jobs and what is known of its entities')
    .argument('<NAME>')
    .action(async (name: string) => {
      await (await cli.api()).delete(path`/provisioning/systems/${name}`)
      terminal.show({ deleted: name }, () => `System ${name} deleted; what it brought elsewhere stays.\n`)
    })
}

/** What to do now. */
function next({ name, type, role, missing, properties }: SystemAnswer, cli: Cli): string {
  const system = quote(name)
  if (missing.length > 0) {
    const wanted = missing.map(one => `${one}=${/password/i.test(one) ? '@FILE' : '...'}`).join(' ')
    return `Next: ${cli.next(`provisioning system set ${system} ${wanted}`)}\n`
  }
  if (role === 'source' && properties.targets === undefined)
    return `Next: ${cli.next(`provisioning system set ${system} targets=NAME,...`)}\n`
  if (properties.Authentication === 'ClientCertificateAuthentication')
    return `With a certificate: ${cli.next(`provisioning certificate list ${system}`)}\n`
  if (role === 'source') return `Next: ${cli.next(`provisioning job run ${system} --type validate --wait`)}\n`
  return `What ${type} takes: ${cli.next(`provisioning system types ${type}`)}\n`
}
