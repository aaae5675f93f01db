import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { Store } from '../../src/adapters/store/open.ts'
import type { Instance } from '../../src/core/broker/store.ts'
import { Problem } from '../../src/core/problem.ts'

/** What a test asks of a worker process. */
export interface Task {
  readonly task: string
  readonly argument: unknown
  readonly number: number
}

/** A rule that is checked inside of the transaction. */
export function insertUpToSeven({ write }: Pick<Store, 'write'>, instance: Instance): Promise<unknown> {
  return write(async ({ instances }) => {
    if ((await instances.count(instance.tenantId)) >= 7) return new Problem('limit_reached', 'seven')
    return instances.insert(instance)
  })
}

/** The database files that a process has open, and whether for writing (Linux). */
export function openDatabaseFiles(): { path: string; writable: boolean }[] {
  return readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      if (!path.endsWith('.db')) return []
      const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))![1]!
      return [{ path, writable: (Number.parseInt(flags, 8) & 3) !== 0 }]
    } catch {
      return [] // the descriptor that was listing them
    }
  })
}
