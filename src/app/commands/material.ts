import { table } from '../terminal/table.ts'
import { relativeTime } from '../terminal/time.ts'
import { path } from './support/admin-api.ts'
import type { Define } from './support/command.ts'
import { WrongUsage } from './support/errors.ts'
import { readJson } from './support/input.ts'

interface MaterialAnswer {
  readonly name: string
  readonly type: string
  readonly content: Readonly<Record<string, unknown>>
  readonly updatedAt: string
}

interface CreateOptions {
  readonly type: string
  readonly content: string
  readonly replace?: boolean
}

export const define: Define = (command, cli) => {
  const { terminal } = cli

  command
    .command('list')
    .description('List the credentials for calling others, without what is secret')
    .action(async () => {
      const { material } = await (await cli.api()).get<{ material: MaterialAnswer[] }>('/material')
      terminal.show(material, () =>
        material.length === 0
          ? `There are none yet. Next: ${cli.next('material create NAME --type TYPE -c FILE')}\n`
          : table(
              material,
              [
                { title: 'NAME', cell: one => one.name },
                { title: 'TYPE', cell: one => one.type },
                { title: 'CHANGED', cell: one => relativeTime(one.updatedAt, cli.now()) },
                { title: 'AS', cell: whoCalls },
                { title: 'DESCRIPTION', cell: ({ content }) => String(content.description ?? '') },
              ],
              terminal.paint,
            ),
      )
    })

  command
    .command('create')
    .description('Keep credentials for calling others; what is secret in them is never shown again')
    .argument('<NAME>', 'up to 150 characters; upper and lower case are the same')
    .requiredOption('--type <TYPE>', 'oauth2-client-credentials, user or secure-parameter')
    .requiredOption('-c, --content <FILE>', 'a JSON file with its members; - for standard input')
    .option('--replace', 'put it in the place of the one of that name, the secret included')
    .action(async (name: string, { type, content: file, replace }: CreateOptions) => {
      // Everybody on this machine can read the command lines of others.
      if (file.trimStart().startsWith('{'))
        throw new WrongUsage('-c is the name of a file: a secret does not belong on a command line')
      const body = { name, type, content: await readJson(file, cli), replace }
      const made = await (await cli.api()).post<MaterialAnswer>('/material', body)
      terminal.show(made, () => `Security material ${made.name} of type ${made.type} kept.\n`)
    })

  command
    .command('delete')
    .description('Delete credentials; calls that use them fail from the next one on')
    .argument('<NAME>')
    .action(async (name: string) => {
      await (await cli.api()).delete(path`/material/${name}`)
      terminal.show({ deleted: name }, () => `Security material ${name} deleted.\n`)
    })
}

/** Who is called as whom, as far as it says. */
function whoCalls({ content }: MaterialAnswer): string {
  const { clientId, user, tokenServiceUrl, keystoreAlias } = content
  return [
    clientId ?? user,
    keystoreAlias && `with ${keystoreAlias}`,
    tokenServiceUrl && `at ${tokenServiceUrl}`,
  ]
    .filter(Boolean)
    .join(' ')
}
