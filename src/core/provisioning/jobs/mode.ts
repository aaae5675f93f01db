import type { ProvisioningTables, StoredJob } from '../store.ts'
import { numeric } from '../types/property.ts'

/** Is it this one's turn? Of the open jobs of a source the oldest is run. */
export function isFirst(job: StoredJob, open: readonly StoredJob[]): boolean {
  return !open.some(other => other.systemId === job.systemId && other.number < job.number)
}

/**
 * Where a job begins to read: undefined for a full read. Asked for by `delta`; scheduled reads do so where
 * `ips.delta.read` is enabled, but for the one that `ips.full.read.force.count` asks for. The first is always full.
 */
export async function nextSince(
  job: Pick<StoredJob, 'systemId' | 'kind' | 'trigger' | 'report'>,
  { systems, sources }: Pick<ProvisioningTables, 'systems' | 'sources'>,
): Promise<string | undefined> {
  // An interrupted one goes on as it began.
  if (job.report.readMode === 'Full Read') return undefined
  const state = await sources.find(job.systemId)
  if (!state?.since) return undefined
  if (job.report.readMode === 'Delta Read' || job.kind === 'delta') return state.since
  if (job.kind !== 'read' || job.trigger !== 'REPEAT') return undefined
  const properties = (await systems.byId(job.systemId))?.properties ?? {}
  if (properties['ips.delta.read'] !== 'enabled') return undefined
  const forced = numeric(properties, 'ips.full.read.force.count', Number.MAX_SAFE_INTEGER)
  return state.deltaReads >= forced ? undefined : state.since
}
