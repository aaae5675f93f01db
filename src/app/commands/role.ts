import { table } from '../terminal/table.ts'
import { path } from './support/admin-api.ts'
import type { Define } from './support/command.ts'

interface RoleAnswer {
  readonly name: string
  readonly description: string
  readonly owner: string
}

export const define: Define = (command, cli) => {
  const { terminal } = cli

  command
    .command('list')
    .description('List roles')
    .action(async () => {
      const api = await cli.api()
      const { roles } = await api.get<{ roles: RoleAnswer[] }>('/roles')
      terminal.show(roles, () =>
        table(
          roles,
          [
            { title: 'NAME', cell: role => role.name },
            { title: 'OWNER', cell: role => role.owner },
            { title: 'DESCRIPTION', cell: role => role.description },
          ],
          terminal.paint,
        ),
      )
    })

  command
    .command('create')
    .description('Create a role')
    .argument('<NAME>', 'letters, digits and _ .')
    .option('--description <TEXT>', 'what it allows')
    .action(async (name: string, { description }: { description?: string }) => {
      const api = await cli.api()
      const role = await api.post<RoleAnswer>('/roles', { name, description })
      terminal.show(
        role,
        () => `Role ${role.name} created.\nNext: ${cli.next(`instance create NAME --role ${role.name}`)}\n`,
      )
    })

  command
    .command('delete')
    .description('Delete a role that nobody uses')
    .argument('<NAME>')
    .action(async (name: string) => {
      const api = await cli.api()
      await api.delete(path`/roles/${name}`)
      terminal.show({ deleted: name }, () => `Role ${name} deleted.\n`)
    })
}
