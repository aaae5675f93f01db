import type { Command } from 'commander'
import { quote } from '../terminal/quote.ts'
import { table } from '../terminal/table.ts'
import { relativeTime } from '../terminal/time.ts'
import { type AdminApi, path } from './support/admin-api.ts'
import type { Cli, Define } from './support/command.ts'

interface RoleAnswer {
  readonly name: string
  readonly description: string
  readonly owner: string
}

export const define: Define = (command, cli) => {
  const { terminal } = cli

  command
    .command('list')
    .description('List roles, or with --user those that a user has')
    .option('--user <USER>', 'such as oauth_client_<client id>; upper and lower case count')
    .action(async ({ user }: { user?: string }) => {
      const api = await cli.api()
      if (user !== undefined) return listOfUser(user, api, cli)
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

  withUser(command.command('assign'))
    .description('Give a user a role at a runtime node')
    .argument('<ROLE>')
    .action(async (role: string, { user, subscription }: UserOptions) => {
      const api = await cli.api()
      const { warnings = [], ...assigned } = await api.post<
        AssignmentAnswer & { readonly warnings?: readonly string[] }
      >('/role-assignments', { role, user, subscription })
      for (const warning of warnings) terminal.warn(warning)
      terminal.show(
        assigned,
        () => `User ${assigned.user} has role ${assigned.role} at ${assigned.subscription} from now on.\n`,
      )
    })

  withUser(command.command('unassign'))
    .description('Take a role away from a user; it is missing from the next request on')
    .argument('<ROLE>')
    .action(async (role: string, { user, subscription }: UserOptions) => {
      const api = await cli.api()
      const query = new URLSearchParams({ user, role, ...(subscription !== undefined && { subscription }) })
      await api.delete(`/role-assignments?${query}`)
      terminal.show(
        { unassigned: role, user },
        () => `User ${user} has role ${role} no more${subscription ? ` at ${subscription}` : ''}.\n`,
      )
    })
}

interface UserOptions {
  readonly user: string
  readonly subscription?: string
}

const withUser = (command: Command): Command =>
  command
    .requiredOption('--user <USER>', 'such as oauth_client_<client id>; upper and lower case count')
    .option('--subscription <NODE>', 'the runtime node (default: default.iflmap)')

interface AssignmentAnswer {
  readonly user: string
  readonly role: string
  readonly subscription: string
  readonly createdAt: string
}

async function listOfUser(user: string, api: AdminApi, { terminal, now, next }: Cli): Promise<void> {
  const { assignments } = await api.get<{ assignments: AssignmentAnswer[] }>(
    `/role-assignments?${new URLSearchParams({ user })}`,
  )
  terminal.show(assignments, () =>
    assignments.length === 0
      ? `User ${user} has no roles. Next: ${next(`role assign ROLE --user ${quote(user)}`)}\n`
      : table(
          assignments,
          [
            { title: 'ROLE', cell: one => one.role },
            { title: 'SUBSCRIPTION', cell: one => one.subscription },
            { title: 'SINCE', cell: one => relativeTime(one.createdAt, now()) },
          ],
          terminal.paint,
        ),
  )
}
