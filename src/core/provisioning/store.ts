import type { Statistics } from './jobs/statistics.ts'
import type { EntityType } from './transformation/index.ts'

/** A system that identities are read from or written to, as it is stored. */
export interface StoredSystem {
  /** Random, internal. */
  readonly id: string
  readonly tenantId: string
  /** Unique in the tenant, without regard to case. */
  readonly name: string
  /** One of `systemTypes`. */
  readonly type: string
  readonly role: SystemRole
  /** Standard properties; names and values are case-sensitive. */
  readonly properties: Readonly<Record<string, string>>
  /** JSON of the credential properties, sealed by the vault. */
  readonly sealed: Buffer
  /** As written; undefined: that of the type. */
  readonly readTransformation: unknown
  readonly writeTransformation: unknown
  readonly createdAt: number
  readonly updatedAt: number
}

export const systemRoles = ['source', 'target', 'proxy'] as const
export type SystemRole = (typeof systemRoles)[number]

export interface SystemTable {
  /** By name. */
  list(tenantId: string): Promise<StoredSystem[]>
  /** Without regard to case. */
  find(tenantId: string, name: string): Promise<StoredSystem | undefined>
  byId(id: string): Promise<StoredSystem | undefined>
  insert(system: StoredSystem): Promise<void>
  /** Replaces properties, transformations and the date of the change. */
  update(system: StoredSystem): Promise<void>
  /** With its certificates, its jobs and what is known of its entities. */
  delete(system: Pick<StoredSystem, 'id' | 'tenantId'>): Promise<void>
}

/** A certificate that a system shows when it calls others. */
export interface SystemCertificate {
  readonly id: string
  readonly tenantId: string
  readonly systemId: string
  /** SHA-256, hexadecimal. */
  readonly fingerprint: string
  /** DER, from the leaf to the root. */
  readonly chain: readonly Buffer[]
  /** PKCS#8, sealed by the vault. */
  readonly sealedKey: Buffer
  readonly notAfter: number
  /** Exactly one certificate of a system is. */
  readonly active: boolean
  readonly createdAt: number
}

export interface SystemCertificateTable {
  /** Of a system, the oldest first. */
  list(systemId: string): Promise<SystemCertificate[]>
  insert(certificate: SystemCertificate): Promise<void>
  setActive(certificate: SystemCertificate, active: boolean): Promise<void>
  delete(certificate: SystemCertificate): Promise<void>
  /** In all tenants: those that are active and end before `time`, the next to end first. */
  endingBefore(time: number): Promise<EndingSystemCertificate[]>
}

export interface EndingSystemCertificate extends SystemCertificate {
  readonly tenantName: string
  readonly systemName: string
  readonly systemType: string
}

/** What `job run --type` names. */
export const jobKinds = ['read', 'delta', 'resync', 'simulate', 'validate'] as const
export type JobKind = (typeof jobKinds)[number]

/** As the described job log has them, and one for a job that waits for its turn. */
export const jobStatuses = [
  'Queued',
  'Running',
  'Running with Error',
  'Pending Restart',
  'Success',
  'Finished with Error',
  'Manually Terminated',
] as const
export type JobStatus = (typeof jobStatuses)[number]

export interface StoredJob {
  readonly id: string
  readonly tenantId: string
  /** The source. */
  readonly systemId: string
  /** Counts up over all jobs. */
  readonly number: number
  readonly kind: JobKind
  /** At once, or because the schedule says so. */
  readonly trigger: 'IMMEDIATE' | 'REPEAT'
  /** Client id; undefined: the schedule. */
  readonly triggeredBy: string | undefined
  readonly status: JobStatus
  readonly createdAt: number
  readonly startedAt: number | undefined
  readonly endedAt: number | undefined
  /** How often it was begun: once, and once more after each interruption. */
  readonly attempt: number
  readonly stopRequested: boolean
  /** Who runs it, and until when that can be relied on. */
  readonly runner: string | undefined
  readonly leaseUntil: number | undefined
  readonly report: JobReport
}

/** What a job found and did. */
export interface JobReport {
  /** undefined: not known yet. */
  readonly readMode?: 'Full Read' | 'Delta Read' | undefined
  readonly statistics: readonly Statistics[]
  /** Of the whole job: most often the source's. */
  readonly error?: string | undefined
  /** What influenced deletion, and what else an operator should know. */
  readonly outcome: readonly string[]
  /** At most ten. */
  readonly failed: readonly FailedEntity[]
  /** How many entities were read and counted, by type. */
  readonly positions?: Readonly<Partial<Record<EntityType, number>>> | undefined
  /** What is under way. */
  readonly doing?: string | undefined
  /** Where a delta read begins next time: a time of the source. */
  readonly since?: string | undefined
  /** Of a job of kind `validate`. */
  readonly checks?: readonly Check[] | undefined
}

export interface FailedEntity {
  readonly system: string
  readonly entityType: EntityType
  readonly id: string
  readonly message: string
}

/** One thing that was looked at. */
export interface Check {
  readonly system: string
  readonly check: string
  readonly ok: boolean
  readonly message: string
}

/** A line of the logs of a job that are downloaded. */
export interface JobLogLine {
  readonly jobId: string
  readonly log: JobLogType
  readonly system: string
  readonly entityType: EntityType
  readonly entityId: string
  readonly message: string
  readonly content: string | undefined
}

export const jobLogTypes = ['failed', 'skipped', 'created', 'updated', 'deleted'] as const
export type JobLogType = (typeof jobLogTypes)[number]

export interface JobTable {
  /** The newest first. */
  list(tenantId: string, limit: number, systemId?: string): Promise<StoredJob[]>
  find(tenantId: string, id: string): Promise<StoredJob | undefined>
  byId(id: string): Promise<StoredJob | undefined>
  /** Those that have not ended, in all tenants, the oldest first. */
  open(): Promise<StoredJob[]>
  lastNumber(): Promise<number>
  insert(job: StoredJob): Promise<void>
  /** Everything that changes while it runs, but for `stopRequested`. */
  update(job: StoredJob): Promise<void>
  requestStop(job: Pick<StoredJob, 'id' | 'tenantId'>): Promise<void>
  delete(id: string): Promise<void>
  addLines(lines: readonly JobLogLine[]): Promise<void>
  /** `after`: position of the last line that was got. */
  lines(
    jobId: string,
    log: JobLogType,
    after: number,
    limit: number,
  ): Promise<(JobLogLine & { readonly position: number })[]>
  /**
   * Removes jobs that ended before, with their lines; of the newest of each source only the lines: were its number given away again, what that job
   * has read would pass for read already.
   */
  deleteEndedBefore(time: number): Promise<void>
}

/** When a source is read by itself, and what is known from its last reads. */
export interface SourceState {
  readonly systemId: string
  readonly tenantId: string
  readonly everyMinutes: number | undefined
  readonly nextRunAt: number | undefined
  /** Where the next delta read begins; undefined: only a full read can follow. */
  readonly since: string | undefined
  /** Scheduled delta reads since the last full read. */
  readonly deltaReads: number
  /** Jobs in a row that did not succeed. */
  readonly failures: number
}

export interface SourceStateTable {
  find(systemId: string): Promise<SourceState | undefined>
  /** Inserts or replaces. */
  put(state: SourceState): Promise<void>
  /** Those whose time has come, in all tenants. */
  due(now: number): Promise<SourceState[]>
}

/** What is known of an entity of a source in one of its targets. */
export interface EntityState {
  readonly entityType: EntityType
  readonly targetId: string
  /** The id at the source. */
  readonly id: string
  /** The id in the target; undefined: it is not there, as far as is known. */
  readonly idInTarget: string | undefined
  /** Of what was written last; '': nothing that counts; while `pending`, when the creation began. */
  readonly digest: string
  /** A creation was begun, and it is not known how it ended. */
  readonly pending: boolean
  /** It was in the target before. */
  readonly existed: boolean
  /** The attempt of a job that read it last: `attemptMark`. */
  readonly seen: number
}

/** Entities whose creation in a target is about to begin. What came of it is in their states, once it is known. */
export interface Intent {
  readonly targetId: string
  readonly entityType: EntityType
  readonly begunAt: number
  /** At the source. */
  readonly ids: readonly string[]
}

export interface SourceEntity extends EntityState {
  readonly sourceId: string
}

export interface EntityTable {
  /** Of these ids, in all targets. */
  find(sourceId: string, entityType: EntityType, ids: readonly string[]): Promise<EntityState[]>
  /** The ids in a target, by those at the source, of those who are there. */
  idsIn(
    sourceId: string,
    targetId: string,
    entityType: EntityType,
    ids: readonly string[],
  ): Promise<Map<string, string>>
  put(sourceId: string, states: readonly EntityState[]): Promise<void>
  /** Of a source: what was under way when somebody last looked after it. */
  intents(sourceId: string): Promise<Intent[]>
  /** Replaces all of a source. */
  putIntents(sourceId: string, intents: readonly Intent[]): Promise<void>
  remove(sourceId: string, targetId: string, entityType: EntityType, ids: readonly string[]): Promise<void>
  /** Entities of any source that are these ones in a target. */
  holding(targetId: string, entityType: EntityType, idsInTarget: readonly string[]): Promise<SourceEntity[]>
  count(sourceId: string, targetId: string, entityType: EntityType): Promise<number>
  /** Not read since `mark`; in the order of their ids, after `afterId`. */
  unseen(
    sourceId: string,
    targetId: string,
    entityType: EntityType,
    mark: number,
    afterId: string,
    limit: number,
  ): Promise<EntityState[]>
  /** Of those, how many are in the target, or may be: their creation was begun. */
  countUnseen(sourceId: string, targetId: string, entityType: EntityType, mark: number): Promise<number>
  /** Forgets all of a target. */
  forgetTarget(targetId: string): Promise<void>
  /** Forgets all of a source. */
  reset(sourceId: string): Promise<void>
}

/** The tables that provisioning needs. */
export interface ProvisioningTables {
  readonly systems: SystemTable
  readonly systemCertificates: SystemCertificateTable
  readonly jobs: JobTable
  readonly sources: SourceStateTable
  readonly entities: EntityTable
}
