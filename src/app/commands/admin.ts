import { rmSync } from 'node:fs'
import type { ServiceKey } from '../../client/index.ts'
import { adminInstance } from '../admin-key.ts'
import { writeFileWhole } from '../files.ts'
import { type AdminApi, openAdminApi, path } from './support/admin-api.ts'
import type { Cli, Define } from './support/command.ts'
import { type Credentials, readCredentials } from './support/credentials.ts'
import { Refused, WrongUsage } from './support/errors.ts'
import { readKey } from './support/sender.ts'

interface KeyAnswer {
  readonly name: string
  readonly clientid: string
}

export const define: Define = (command, cli) => {
  command
    .command('rotate')
    .description('Replace the key by a new one; the old secret dies')
    .action(() => rotate(cli))

  command
    .command('remove')
    .description('Delete the key and its file')
    .option('--yes', 'know what follows')
    .action(({ yes }: { yes?: boolean }) => remove(cli, yes === true))
}

async function rotate(cli: Cli): Promise<void> {
  const credentials = readCredentials(cli)
  const { file } = credentials
  const api = homeApi(cli, credentials.key, file)
  const { old, keys } = await findOwnKey(api, credentials)
  const name = newName(keys, cli.now())
  const document = await api.post<object>(path`/instances/${adminInstance}/keys`, { name, parameters: {} })
  try {
    writeFileWhole(file, `${JSON.stringify(document, null, 2)}\n`)
  } catch (error) {
    // The file still holds the old key: the new one, which nobody knows, must not live on.
    await api.delete(path`/instances/${adminInstance}/keys/${name}`)
    throw new Refused(`cannot write ${file}: ${(error as Error).message}`, {
      hint: 'The old key is still good.',
    })
  }
  // With the new key: so it is proven before the old one goes.
  await homeApi(cli, readKey(document, file), file).delete(path`/instances/${adminInstance}/keys/${old.name}`)
  cli.terminal.show(
    { file, name, replaced: old.name },
    () => `${file} holds the new key ${name}; ${old.name} is refused from now on.\n`,
  )
}

async function remove(cli: Cli, sure: boolean): Promise<void> {
  const credentials = readCredentials(cli)
  const { file } = credentials
  const consequences =
    `After this nobody can administer the server with ${file}, and no restart makes it anew. ` +
    'What senders have goes on working; another key of plan api, if there is one, still administers.'
  if (!sure)
    throw new WrongUsage(
      `this needs --yes. ${consequences}\nIf that is what you want: ${cli.next('admin remove --yes')}`,
    )
  const api = homeApi(cli, credentials.key, file)
  const { old } = await findOwnKey(api, credentials)
  cli.terminal.note(consequences)
  await api.delete(path`/instances/${adminInstance}/keys/${old.name}`)
  rmSync(file, { force: true })
  cli.terminal.show({ file, removed: old.name }, () => `Key ${old.name} and ${file} are gone.\n`)
}

/** The tenant of the key itself, whatever `--tenant` says. */
function homeApi(cli: Cli, key: ServiceKey, file: string): AdminApi {
  return openAdminApi({ key, file, url: cli.options.url, tenant: undefined, trust: cli.trust() })
}

async function findOwnKey(api: AdminApi, { key, file }: Credentials) {
  const { keys } = await api.get<{ keys: KeyAnswer[] }>(path`/instances/${adminInstance}/keys`)
  const old = keys.find(each => each.clientid === key.clientId)
  if (old) return { old, keys }
  throw new Refused(`the key in ${file} does not belong to instance ${adminInstance}`, {
    hint: 'Replace it with `countersign key create` and `countersign key delete` on its own instance.',
  })
}

/** `admin-<yyyymmddhhmmss>`, with a number behind it for the second one in a second. */
function newName(keys: readonly KeyAnswer[], now: number): string {
  const name = `admin-${new Date(now).toISOString().replace(/\D/g, '').slice(0, 14)}`
  const taken = (candidate: string) => keys.some(key => key.name === candidate)
  let candidate = name
  for (let count = 2; taken(candidate); count++) candidate = `${name}-${count}`
  return candidate
}
