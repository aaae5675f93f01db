import { existsSync } from 'node:fs'
import { join } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/** The data directory, as the server finds it without a configuration file. */
export function dataDirectory(env: Environment): string {
  return env.COUNTERSIGN_DATA_DIR || './countersign-data'
}

/** Where the administrator's service key lies unless `--credentials` says otherwise. */
export function credentialsFile(env: Environment): string {
  return join(dataDirectory(env), 'admin.json')
}

/** The root of the server certificate; undefined when this machine has none. */
export function rootFile(env: Environment): string | undefined {
  const file = join(dataDirectory(env), 'ca.pem')
  return existsSync(file) ? file : undefined
}
