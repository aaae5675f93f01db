import { readFileSync } from 'node:fs'
import type { ServiceKey } from '../../../client/index.ts'
import { type AdminApi, openAdminApi } from './admin-api.ts'
import type { Cli } from './command.ts'
import { Refused, WrongUsage } from './errors.ts'
import { unreadable } from './input.ts'
import { credentialsFile } from './places.ts'
import { readKey } from './sender.ts'

type Asking = Pick<Cli, 'options' | 'env' | 'trust'>

/** The administrator's service key and the file that holds it. */
export interface Credentials {
  readonly file: string
  readonly key: ServiceKey
}

/** Reads the file of `--credentials`, else the data directory's. */
export function readCredentials({ options, env }: Pick<Cli, 'options' | 'env'>): Credentials {
  const given = options.credentials
  const file = given ?? credentialsFile(env)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (given !== undefined || (error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw unreadable(file, error)
    throw new Refused(`there is no ${file}, the administrator's key that \`countersign serve\` writes`, {
      hint: 'Run this where the server was started, set COUNTERSIGN_DATA_DIR, or give a key with --credentials FILE.',
    })
  }
  return { file, key: readKey(parse(text, file), file) }
}

/** The admin API as the global options say. */
export function chosenApi(cli: Asking): AdminApi {
  return openAdminApi({
    ...readCredentials(cli),
    url: cli.options.url,
    tenant: cli.options.tenant,
    trust: cli.trust(),
  })
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new WrongUsage(`${file} is not JSON: give the administrator's key with --credentials FILE`)
  }
}
