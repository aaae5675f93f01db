import type { AdminApi } from '../support/admin-api.ts'
import type { Cli } from '../support/command.ts'
import { WrongUsage } from '../support/errors.ts'
import { readSecret } from '../support/input.ts'

export interface PropertyAnswer {
  readonly name: string
  readonly description: string
  readonly credential: boolean
  readonly roles: readonly string[]
  readonly values?: readonly string[]
}

export interface TypeAnswer {
  readonly name: string
  readonly title: string
  readonly roles: readonly string[]
  readonly properties: readonly PropertyAnswer[]
}

export const listTypes = async (api: AdminApi): Promise<TypeAnswer[]> =>
  (await api.get<{ types: TypeAnswer[] }>('/provisioning/system-types')).types

/** Properties to set; null: to be taken away. */
export type Changes = Record<string, string | null>

interface Given {
  readonly name: string
  readonly value: string
}

/**
 * The properties that `NAME=VALUE`, `NAME=@FILE`, `NAME=@-` and `NAME=` ask for. `typeName` is asked only where a value
 * stands on the command line itself. Throws WrongUsage, also for a secret there.
 */
export async function readChanges(
  args: readonly string[],
  typeName: () => Promise<string>,
  cli: Cli,
): Promise<Changes> {
  const given = args.map(split)
  const twice = given.find(({ name }, at) => given.findIndex(one => one.name === name) < at)
  if (twice) throw new WrongUsage(`${twice.name} is there twice`)
  const plain = given.filter(({ value }) => value !== '' && !value.startsWith('@'))
  if (plain.length > 0) await refuseSecrets(plain, typeName, cli)
  const changes: Changes = {}
  for (const { name, value } of given)
    changes[name] =
      value === '' ? null : value.startsWith('@') ? await readSecret(value.slice(1), cli) : value
  return changes
}

function split(text: string): Given {
  const at = text.indexOf('=')
  if (at > 0) return { name: text.slice(0, at), value: text.slice(at + 1) }
  throw new WrongUsage(
    `${text} sets nothing: write PROPERTY=VALUE, PROPERTY=@FILE, or PROPERTY= to take it away`,
  )
}

const headerPrefix = 'ips.http.header.'
/** Of properties that the type does not know. */
const soundsSecret = /(password|passwd|passphrase|secret|api.?key|token|access.?key|private.?key|credential)/i

/** Everybody on this machine can read the command lines of others. */
async function refuseSecrets(
  plain: readonly Given[],
  typeName: () => Promise<string>,
  cli: Cli,
): Promise<void> {
  const header = plain.find(({ name }) => name.startsWith(headerPrefix))
  if (header) throw secretOnLine(header)
  const types = await listTypes(await cli.api())
  const name = await typeName()
  const known = types.find(type => type.name === name)?.properties ?? []
  const secret = plain.find(one => {
    const spec = known.find(each => each.name === one.name)
    return spec ? spec.credential : soundsSecret.test(one.name)
  })
  if (secret) throw secretOnLine(secret)
}

const secretOnLine = ({ name }: Given): WrongUsage =>
  new WrongUsage(
    `${name} is kept secret, and a command line is not: everybody on this machine can read it. Write ${name}=@FILE, or ${name}=@- for standard input.`,
  )
