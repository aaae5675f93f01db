import type {
  JobKind,
  JobLogLine,
  JobLogType,
  JobStatus,
  JobTable,
  StoredJob,
} from '../../../core/provisioning/index.ts'
import type { ProvisioningJobLineRow, ProvisioningJobRow } from '../schema.ts'
import { groups } from './groups.ts'
import type { Scope } from './scope.ts'

export function jobTable(scope: Scope): JobTable {
  const announcing = ({ id, tenantId }: Pick<StoredJob, 'id' | 'tenantId'>) =>
    scope.changing({ kind: 'provisioning', tenantId, id })
  const jobs = () => scope.db.selectFrom('provisioningJobs').selectAll()
  return {
    async list(tenantId, limit, systemId) {
      const of = jobs().where('tenantId', '=', tenantId).orderBy('number', 'desc').limit(limit)
      const rows = await (systemId === undefined ? of : of.where('systemId', '=', systemId)).execute()
      return rows.map(jobOf)
    },
    async find(tenantId, id) {
      const row = await jobs().where('tenantId', '=', tenantId).where('id', '=', id).executeTakeFirst()
      return row && jobOf(row)
    },
    async byId(id) {
      const row = await jobs().where('id', '=', id).executeTakeFirst()
      return row && jobOf(row)
    },
    async open() {
      const rows = await jobs().where('endedAt', 'is', null).orderBy('number').execute()
      return rows.map(jobOf)
    },
    async lastNumber() {
      const { last } = await scope.db
        .selectFrom('provisioningJobs')
        .select(({ fn }) => fn.max('number').as('last'))
        .executeTakeFirstOrThrow()
      return Number(last ?? 0)
    },
    async insert(job) {
      await announcing(job).insertInto('provisioningJobs').values(rowOf(job)).execute()
    },
    async update(job) {
      const { status, startedAt, endedAt, attempt, runner, leaseUntil, report } = rowOf(job)
      await scope
        .changing()
        .updateTable('provisioningJobs')
        .set({ status, startedAt, endedAt, attempt, runner, leaseUntil, report })
        .where('id', '=', job.id)
        .execute()
    },
    async requestStop(job) {
      await announcing(job)
        .updateTable('provisioningJobs')
        .set({ stopRequested: 1 })
        .where('id', '=', job.id)
        .execute()
    },
    async delete(id) {
      await scope.changing().deleteFrom('provisioningJobs').where('id', '=', id).execute()
    },
    async addLines(lines) {
      const rows = lines.map(({ content, ...line }) => ({ ...line, content: content ?? null }))
      for (const some of groups(rows))
        await scope.changing().insertInto('provisioningJobLines').values(some).execute()
    },
    async lines(jobId, log, after, limit) {
      const rows = await scope.db
        .selectFrom('provisioningJobLines')
        .selectAll()
        .where('jobId', '=', jobId)
        .where('log', '=', log)
        .where('position', '>', after)
        .orderBy('position')
        .limit(limit)
        .execute()
      return rows.map(lineOf)
    },
    async deleteEndedBefore(time) {
      await scope
        .changing()
        .deleteFrom('provisioningJobLines')
        .where('jobId', 'in', ({ selectFrom }) =>
          selectFrom('provisioningJobs').select('id').where('endedAt', '<', time),
        )
        .execute()
      await scope
        .changing()
        .deleteFrom('provisioningJobs')
        .where('endedAt', '<', time)
        .where('number', '<', ({ selectFrom }) =>
          selectFrom('provisioningJobs as newer')
            .select(({ fn }) => fn.max<number>('newer.number').as('last'))
            .whereRef('newer.systemId', '=', 'provisioningJobs.systemId'),
        )
        .execute()
    },
  }
}

const rowOf = ({
  triggeredBy,
  startedAt,
  endedAt,
  stopRequested,
  runner,
  leaseUntil,
  report,
  ...rest
}: StoredJob): ProvisioningJobRow => ({
  ...rest,
  triggeredBy: triggeredBy ?? null,
  startedAt: startedAt ?? null,
  endedAt: endedAt ?? null,
  stopRequested: Number(stopRequested),
  runner: runner ?? null,
  leaseUntil: leaseUntil ?? null,
  report: JSON.stringify(report),
})

const jobOf = ({
  kind,
  trigger,
  triggeredBy,
  status,
  startedAt,
  endedAt,
  stopRequested,
  runner,
  leaseUntil,
  report,
  ...row
}: ProvisioningJobRow): StoredJob => ({
  ...row,
  kind: kind as JobKind,
  trigger: trigger as StoredJob['trigger'],
  triggeredBy: triggeredBy ?? undefined,
  status: status as JobStatus,
  startedAt: startedAt ?? undefined,
  endedAt: endedAt ?? undefined,
  stopRequested: stopRequested === 1,
  runner: runner ?? undefined,
  leaseUntil: leaseUntil ?? undefined,
  report: JSON.parse(report),
})

const lineOf = ({
  log,
  entityType,
  content,
  ...row
}: ProvisioningJobLineRow & { position: number }): JobLogLine & { position: number } => ({
  ...row,
  log: log as JobLogType,
  entityType: entityType as JobLogLine['entityType'],
  content: content ?? undefined,
})
