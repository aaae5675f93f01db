import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Option } from 'commander'
import { writeFileWhole } from '../files.ts'
import { quote } from '../terminal/quote.ts'
import { details, table } from '../terminal/table.ts'
import { fullTime, relativeTime } from '../terminal/time.ts'
import { type AdminApi, path } from './support/admin-api.ts'
import type { Cli, Define } from './support/command.ts'
import { Refused } from './support/errors.ts'
import { readParameters } from './support/input.ts'

interface KeyAnswer {
  readonly name: string
  readonly type: string
  readonly clientid: string
  readonly tokenurl: string
  readonly url: string
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly lastUsedAt: string | null
}

interface CreateOptions {
  readonly type?: string
  readonly parameters?: string
  readonly shape: 'flat' | 'cf'
  readonly out?: string
}

export const define: Define = (command, cli) => {
  const { terminal } = cli

  command
    .command('list')
    .description('List the service keys of an instance')
    .argument('<INSTANCE>')
    .action(async (instance: string) => {
      const api = await cli.api()
      const { keys } = await api.get<{ keys: KeyAnswer[] }>(path`/instances/${instance}/keys`)
      terminal.show(keys, () =>
        keys.length === 0
          ? `There are none yet. Next: ${cli.next(`key create ${instance} NAME --out DIR`)}\n`
          : table(
              keys,
              [
                { title: 'NAME', cell: key => key.name },
                { title: 'TYPE', cell: key => key.type },
                { title: 'CREATED', cell: key => relativeTime(key.createdAt, cli.now()) },
                { title: 'EXPIRES', cell: key => relativeTime(key.expiresAt, cli.now()) },
                { title: 'LAST USED', cell: key => relativeTime(key.lastUsedAt, cli.now()) },
                { title: 'CLIENT ID', cell: key => key.clientid },
              ],
              terminal.paint,
            ),
      )
    })

  command
    .command('create')
    .description('Create a service key; its credential is shown once')
    .argument('<INSTANCE>')
    .argument('<NAME>', 'up to 32 characters out of A-Z a-z 0-9 . _ -')
    .option('--type <TYPE>', 'secret (default)')
    .addOption(
      new Option('--shape <SHAPE>', 'flat, or as in Cloud Foundry').choices(['flat', 'cf']).default('flat'),
    )
    .option('--out <DIR>', 'write key.json there, readable by you only')
    .option(
      '-c, --parameters <FILE>',
      'a JSON file with parameters, - for standard input, or the JSON itself',
    )
    .action((instance: string, name: string, options: CreateOptions) => create(instance, name, options, cli))

  command
    .command('show')
    .description('Show a service key, without its credential')
    .argument('<INSTANCE>')
    .argument('<NAME>')
    .action(async (instance: string, name: string) => {
      const api = await cli.api()
      const key = await api.get<KeyAnswer>(path`/instances/${instance}/keys/${name}`)
      terminal.show(key, () =>
        details(
          [
            ['Name', key.name],
            ['Type', key.type],
            ['Client id', key.clientid],
            ['Token URL', key.tokenurl],
            ['URL', key.url],
            ['Created', fullTime(key.createdAt, cli.now())],
            ['Expires', fullTime(key.expiresAt, cli.now())],
            ['Last used', fullTime(key.lastUsedAt, cli.now())],
          ],
          terminal.paint,
        ),
      )
    })

  command
    .command('delete')
    .description('Delete a service key; it and its tokens are refused from the next request on')
    .argument('<INSTANCE>')
    .argument('<NAME>')
    .action(async (instance: string, name: string) => {
      const api = await cli.api()
      await api.delete(path`/instances/${instance}/keys/${name}`)
      terminal.show(
        { deleted: name, instance },
        () => `Key ${name} of instance ${instance} deleted; it and its tokens are refused from now on.\n`,
      )
    })
}

async function create(instance: string, name: string, options: CreateOptions, cli: Cli): Promise<void> {
  const { type, out, shape } = options
  const parameters = {
    ...(await readParameters(options.parameters, cli)),
    ...(type !== undefined && { 'key-type': type }),
  }
  const file = out === undefined ? undefined : placeFor(out)
  const api = await cli.api()
  const key = await api.post<object>(path`/instances/${instance}/keys`, { name, parameters })
  const document = shape === 'cf' ? { oauth: key } : key
  if (file !== undefined) await writeOrUndo(file, document, { instance, name }, api)
  cli.terminal.show(document, () =>
    file === undefined
      ? `${JSON.stringify(document, null, 2)}\n`
      : `Key ${name} of instance ${instance} created: ${file}\nNext: countersign token --key ${quote(file)}\n`,
  )
  if (file === undefined)
    cli.terminal.note('This key is shown once: nobody can read its secret again. Keep it safe.')
}

/** Looked at before the key is made: a secret that cannot be written down is lost, and so is one written over. */
function placeFor(directory: string): string {
  const file = join(directory, 'key.json')
  if (existsSync(file))
    throw new Refused(`${file} exists already`, { hint: 'Name another directory, or move the file away.' })
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new Refused(`cannot create ${directory}: ${(error as Error).message}`)
  }
  return file
}

async function writeOrUndo(
  file: string,
  document: object,
  { instance, name }: { instance: string; name: string },
  api: AdminApi,
): Promise<void> {
  try {
    writeFileWhole(file, `${JSON.stringify(document, null, 2)}\n`)
  } catch (error) {
    await api.delete(path`/instances/${instance}/keys/${name}`)
    throw new Refused(`cannot write ${file}: ${(error as Error).message}`, {
      hint: 'The key was deleted again.',
    })
  }
}
