import { z } from 'zod'
import { isProblem } from '../../../core/problem.ts'
import {
  entityTypes,
  type JobInfo,
  jobKinds,
  jobLines,
  jobLogTypes,
  jobStatuses,
  listJobs,
  resetSource,
  scheduleJobs,
  showJob,
  startJob,
  stopJob,
} from '../../../core/provisioning/index.ts'
import { type AdminRoute, route } from './route.ts'
import { iso, isoOrNull, limitQuery, time } from './schemas.ts'

const ofSystem = z.object({ name: z.string() })
const ofJob = z.object({ id: z.string() })
const entityType = z.enum(entityTypes)
const count = z.int().min(0)

const job = z.object({
  id: z.string(),
  source: z.string(),
  type: z.enum(jobKinds),
  trigger: z.enum(['IMMEDIATE', 'REPEAT']),
  triggeredBy: z.string().nullable(),
  status: z.enum(jobStatuses),
  createdAt: time,
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  readMode: z.enum(['Full Read', 'Delta Read']).nullable(),
  doing: z.string().nullable().meta({ description: 'What is under way' }),
  error: z.string().nullable().meta({ description: 'Of the whole job: most often of the source' }),
  outcome: z.array(z.string()).meta({ description: 'What influenced deletion' }),
  statistics: z.array(
    z.object({
      system: z.string(),
      action: z.enum(['Read', 'Write']),
      entityType,
      read: count,
      created: count,
      updated: count,
      deleted: count,
      skipped: count.meta({ description: 'Not wanted, or not changed' }),
      failed: count,
    }),
  ),
  failed: z
    .array(z.object({ system: z.string(), entityType, id: z.string(), message: z.string() }))
    .meta({ description: 'The first ten; all of them are in the log `failed`' }),
  checks: z
    .array(z.object({ system: z.string(), check: z.string(), ok: z.boolean(), message: z.string() }))
    .nullable()
    .meta({ description: 'Of a job of type validate' }),
})

const show = ({ report, createdAt, startedAt, endedAt, kind, triggeredBy, ...rest }: JobInfo) => ({
  id: rest.id,
  source: rest.source,
  type: kind,
  trigger: rest.trigger,
  triggeredBy: triggeredBy ?? null,
  status: rest.status,
  createdAt: iso(createdAt),
  startedAt: isoOrNull(startedAt),
  endedAt: isoOrNull(endedAt),
  readMode: report.readMode ?? null,
  doing: report.doing ?? null,
  error: report.error ?? null,
  outcome: [...report.outcome],
  statistics: [...report.statistics],
  failed: [...report.failed],
  checks: report.checks ? [...report.checks] : null,
})

/** Provisioning jobs. */
export const provisioningJobRoutes: readonly AdminRoute[] = [
  route({
    method: 'POST',
    path: '/provisioning/systems/:name/jobs',
    summary: 'Run a job of a source as soon as no other of its jobs does',
    roles: ['SecurityMaterialEdit', 'WorkspaceArtifactsDeploy'],
    parameters: ofSystem,
    body: z.strictObject({ type: z.enum(jobKinds).default('read') }),
    answer: job,
    status: 202,
    async handle({ tenant, parameters: { name }, body, actor }, services) {
      const started = await startJob(tenant, { system: name, kind: body.type, triggeredBy: actor }, services)
      return isProblem(started) ? started : show({ ...started, source: name })
    },
    audit: ({ id, type }) => ({ job: id, type }),
  }),
  route({
    method: 'PUT',
    path: '/provisioning/systems/:name/schedule',
    summary: 'Read a source every so many minutes, or no longer',
    roles: ['SecurityMaterialEdit', 'WorkspaceArtifactsDeploy'],
    parameters: ofSystem,
    body: z.strictObject({
      everyMinutes: z.int().nullable().meta({ description: 'More than 30; null: only when asked for' }),
    }),
    answer: z.object({ name: z.string(), everyMinutes: z.int().nullable(), nextRunAt: time.nullable() }),
    async handle({ tenant, parameters: { name }, body }, services) {
      const state = await scheduleJobs(tenant, name, body.everyMinutes ?? undefined, services)
      if (isProblem(state)) return state
      return { name, everyMinutes: state.everyMinutes ?? null, nextRunAt: isoOrNull(state.nextRunAt) }
    },
    audit: ({ everyMinutes }) => ({ everyMinutes }),
  }),
  route({
    method: 'POST',
    path: '/provisioning/systems/:name/reset',
    summary:
      'Forget what is known of the entities of a source: the next job meets them in the targets as strangers',
    roles: ['SecurityMaterialEdit'],
    parameters: ofSystem,
    answer: ofSystem,
    handle: ({ tenant, parameters: { name } }, services) => resetSource(tenant, name, services),
  }),
  route({
    method: 'GET',
    path: '/provisioning/jobs',
    summary: 'List jobs, the newest first',
    roles: ['MonitoringDataRead', 'SecurityMaterialEdit'],
    query: z.object({ system: z.string().optional(), limit: limitQuery }),
    answer: z.object({ jobs: z.array(job) }),
    async handle({ tenant, query }, services) {
      const jobs = await listJobs(tenant, query, services)
      return isProblem(jobs) ? jobs : { jobs: jobs.map(show) }
    },
  }),
  route({
    method: 'GET',
    path: '/provisioning/jobs/:id',
    summary: 'Show a job: its status, what it does, what it has counted',
    roles: ['MonitoringDataRead', 'SecurityMaterialEdit'],
    parameters: ofJob,
    answer: job,
    async handle({ tenant, parameters: { id } }, services) {
      const found = await showJob(tenant, id, services)
      return isProblem(found) ? found : show(found)
    },
  }),
  route({
    method: 'POST',
    path: '/provisioning/jobs/:id/stop',
    summary: 'Stop a job once everything that it has begun is written down',
    roles: ['SecurityMaterialEdit', 'WorkspaceArtifactsDeploy'],
    parameters: ofJob,
    answer: ofJob,
    status: 202,
    async handle({ tenant, parameters: { id } }, services) {
      const stopping = await stopJob(tenant, id, services)
      return isProblem(stopping) ? stopping : { id }
    },
  }),
  route({
    method: 'GET',
    path: '/provisioning/jobs/:id/lines',
    summary:
      'Entities of a job that failed; with traces switched on also those that were skipped, created, updated, deleted',
    roles: ['MonitoringDataRead', 'SecurityMaterialEdit'],
    parameters: ofJob,
    query: z.object({
      log: z.enum(jobLogTypes).default('failed'),
      after: z.coerce.number().int().min(0).default(0),
      limit: limitQuery,
    }),
    answer: z.object({
      lines: z.array(
        z.object({
          position: z.int(),
          system: z.string(),
          entityType,
          entityId: z.string(),
          message: z.string(),
          content: z.string().nullable(),
        }),
      ),
    }),
    async handle({ tenant, parameters: { id }, query }, services) {
      const lines = await jobLines(tenant, id, query, services)
      if (isProblem(lines)) return lines
      return {
        lines: lines.map(({ position, system, entityType: type, entityId, message, content }) => ({
          position,
          system,
          entityType: type,
          entityId,
          message,
          content: content ?? null,
        })),
      }
    },
  }),
]
