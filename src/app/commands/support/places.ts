import { existsSync } from 'node:fs'
import { adminFile, defaultDataDir, rootFile } from '../../data-directory.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** The data directory, as the server finds it without a configuration file. */
const dataDirectory = (env: Environment) => env.COUNTERSIGN_DATA_DIR || defaultDataDir

/** Where the administrator's service key lies unless `--credentials` says otherwise. */
export const credentialsFile = (env: Environment) => adminFile(dataDirectory(env))

/** The root of the server certificate; undefined when this machine has none. */
export function rootFileIfThere(env: Environment): string | undefined {
  const file = rootFile(dataDirectory(env))
  return existsSync(file) ? file : undefined
}
