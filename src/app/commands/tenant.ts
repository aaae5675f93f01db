import { table } from '../terminal/table.ts'
import { relativeTime } from '../terminal/time.ts'
import { path } from './support/admin-api.ts'
import { collect, type Define } from './support/command.ts'
import { WrongUsage } from './support/errors.ts'

interface TenantAnswer {
  readonly name: string
  readonly id: string
  readonly aliases: readonly string[]
  readonly signingAlgorithm: string
  readonly selfSigned: boolean
  readonly issuer: string
  readonly createdAt: string
}

interface UpdateOptions {
  readonly allowSelfSigned?: boolean
  readonly refuseSelfSigned?: boolean
}

interface CreateOptions {
  readonly id?: string
  readonly alias?: readonly string[]
  readonly signingAlgorithm?: string
}

export const define: Define = (command, cli) => {
  const { terminal } = cli

  command
    .command('list')
    .description('List tenants')
    .action(async () => {
      const api = await cli.api()
      const { tenants } = await api.get<{ tenants: TenantAnswer[] }>('/tenants')
      terminal.show(tenants, () =>
        table(
          tenants,
          [
            { title: 'NAME', cell: tenant => tenant.name },
            { title: 'ID', cell: tenant => tenant.id },
            { title: 'SIGNS WITH', cell: tenant => tenant.signingAlgorithm },
            { title: 'SELF-SIGNED', cell: tenant => (tenant.selfSigned ? 'allowed' : 'refused') },
            { title: 'CREATED', cell: tenant => relativeTime(tenant.createdAt, cli.now()) },
            { title: 'ISSUER', cell: tenant => tenant.issuer },
            { title: 'ALIASES', cell: tenant => tenant.aliases.join(' ') },
          ],
          terminal.paint,
        ),
      )
    })

  command
    .command('create')
    .description('Create a tenant with an issuer and keys of its own')
    .argument('<NAME>', '2 to 40 characters out of a-z 0-9 -')
    .option('--id <GUID>', 'its GUID (default: made up)')
    .option('--alias <DOMAIN>', 'a domain name that stands for it; may be repeated', collect)
    .option('--signing-algorithm <ALG>', 'ES256 (default), RS256, PS256 or EdDSA')
    .action(async (name: string, { id, alias, signingAlgorithm }: CreateOptions) => {
      const api = await cli.api()
      const tenant = await api.post<TenantAnswer>('/tenants', { name, id, aliases: alias, signingAlgorithm })
      terminal.show(
        tenant,
        () =>
          `Tenant ${tenant.name} created; its issuer is ${tenant.issuer}\n` +
          `Next: countersign instance create NAME --tenant ${tenant.name}\n`,
      )
    })

  command
    .command('update')
    .description('Change what a tenant accepts')
    .argument('<NAME>')
    .option('--allow-self-signed', 'self-signed certificates, where a service key holds the very certificate')
    .option('--refuse-self-signed', 'refuse them (default)')
    .action(async (name: string, { allowSelfSigned = false, refuseSelfSigned = false }: UpdateOptions) => {
      if (allowSelfSigned === refuseSelfSigned)
        throw new WrongUsage('give --allow-self-signed or --refuse-self-signed')
      const api = await cli.api()
      const tenant = await api.patch<TenantAnswer>(path`/tenants/${name}`, { selfSigned: allowSelfSigned })
      terminal.show(
        tenant,
        () => `Tenant ${tenant.name} ${allowSelfSigned ? 'allows' : 'refuses'} self-signed certificates.\n`,
      )
    })

  command
    .command('delete')
    .description('Delete a tenant with everything in it')
    .argument('<NAME>')
    .action(async (name: string) => {
      const api = await cli.api()
      await api.delete(path`/tenants/${name}`)
      terminal.show({ deleted: name }, () => `Tenant ${name} and everything in it is deleted.\n`)
    })
}
