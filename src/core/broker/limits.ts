import { Problem } from '../problem.ts'

/** What one tenant may hold (the limits of the described token service). */
export const limits = {
  keysPerInstance: 1000,
  instancesPerTenant: 2500,
  rolesPerTenant: 1000,
  registeredClientsPerTenant: 2500,
  assignmentsPerTenant: 10_000,
} as const

export function limitReached(what: string, limit: number): Problem {
  return new Problem('limit_reached', `${what}: the limit is ${limit}`, {
    hint: 'Delete what is not used any more.',
  })
}

const cliName = /^[A-Za-z0-9._-]{1,32}$/

/** Names of instances and keys: up to 32 characters that need no quotes on a command line. */
export function checkName(what: string, name: string): Problem | undefined {
  if (cliName.test(name)) return undefined
  return new Problem(
    'invalid_input',
    `${what} name must have 1 to 32 characters out of A-Z a-z 0-9 . _ - (this one has ${name.length})`,
  )
}

const platformName = /^[A-Za-z0-9._-]{1,64}$/

/** A platform's ids and names serve as ours where they need no quotes either; GUIDs are longer than 32 characters. */
export const isNameOfPlatform = (name: string): boolean => platformName.test(name)
