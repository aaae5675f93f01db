import { Problem } from '../../problem.ts'
import type { ProvisioningTables, StoredSystem } from '../store.ts'

export const targetNames = ({ targets = '' }: Readonly<Record<string, string>>): string[] =>
  targets
    .split(',')
    .map(name => name.trim())
    .filter(Boolean)

/** What a source is read from, and written to. */
const whatIsRead = [
  'URL',
  'targets',
  'scim.user.filter',
  'scim.group.filter',
  'file.users',
  'file.groups',
] as const

/**
 * What follows from a change of properties, inside its transaction. A system at another address may be another
 * system, where the ids that are known belong to others: they are forgotten, and nobody is deleted for not being there. Where a source changes what is read, or
 * for whom, the next read is a full one.
 */
export async function followMove(
  before: StoredSystem,
  after: StoredSystem,
  tables: ProvisioningTables,
): Promise<Problem | undefined> {
  const changes = (name: string) => plain(before.properties[name]) !== plain(after.properties[name])
  const moves = before.properties.URL !== undefined && changes('URL')
  if (after.role === 'source' && whatIsRead.some(changes)) await readInFull(after, tables)
  if (!moves) return undefined
  const sources = after.role === 'source' ? [after] : await sourcesOf(after, tables)
  const busy = (await tables.jobs.open()).find(job => sources.some(({ id }) => id === job.systemId))
  if (busy)
    return new Problem('conflict', `a job of ${after.name}, or that writes to it, is under way`, {
      hint: `Wait for it, or stop it: countersign provisioning job stop ${busy.id}`,
    })
  if (after.role === 'source') await tables.entities.reset(after.id)
  else await tables.entities.forgetTarget(after.id)
  await readInFull(after, tables)
  return undefined
}

/** Has the next delta read of a source, or of the sources of a target, be a full one. Inside a transaction. */
export async function readInFull(system: StoredSystem, tables: ProvisioningTables): Promise<void> {
  const sources = system.role === 'source' ? [system] : await sourcesOf(system, tables)
  for (const { id } of sources) {
    const state = await tables.sources.find(id)
    if (state?.since !== undefined) await tables.sources.put({ ...state, since: undefined })
  }
}

async function sourcesOf(target: StoredSystem, { systems }: ProvisioningTables): Promise<StoredSystem[]> {
  const name = target.name.toLowerCase()
  return (await systems.list(target.tenantId)).filter(one =>
    targetNames(one.properties).some(wanted => wanted.toLowerCase() === name),
  )
}

/** A slash at the end leads nowhere else. */
const plain = (value: string | undefined): string | undefined => value?.replace(/\/+$/, '')
