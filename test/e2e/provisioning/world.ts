import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { ScimServer } from '../../support/scim-server.ts'
import {
  type Answer,
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from '../../support/server.ts'

export interface Counts {
  readonly read: number
  readonly created: number
  readonly updated: number
  readonly deleted: number
  readonly skipped: number
  readonly failed: number
}

export interface Job {
  readonly id: string
  readonly status: string
  readonly readMode: string | null
  readonly error: string | null
  readonly outcome: readonly string[]
  readonly statistics: readonly (Counts & { system: string; action: string; entityType: string })[]
  readonly failed: readonly { system: string; entityType: string; id: string; message: string }[]
  readonly checks: readonly { system: string; check: string; ok: boolean; message: string }[] | null
}

/** A server that runs jobs, as an administrator of provisioning uses it. */
export interface World {
  readonly server: TestServer
  api(method: string, path: string, body?: object): Promise<Answer>
  /** Creates a system; throws where it is refused. */
  system(name: string, type: string, role: string, properties?: Record<string, string>): Promise<void>
  set(name: string, properties: Record<string, string | null>): Promise<Answer>
  /** Makes a system for a SCIM server, whose authority is trusted from then on. */
  scim(name: string, role: string, server: ScimServer, properties?: Record<string, string>): Promise<void>
  start(source: string, type?: string): Promise<string>
  /** The finished job. */
  finished(id: string): Promise<Job>
  job(id: string): Promise<Job>
  run(source: string, type?: string): Promise<Job>
}

export const ended = /^(Success|Finished with Error|Manually Terminated)$/

export async function startWorld(
  t: TestContext | undefined,
  options: TestServerOptions = {},
): Promise<World> {
  const server = await startTestServer({ jobs: true, ...options })
  t?.after(() => server.close())
  return worldOf(server)
}

export async function worldOf(server: TestServer): Promise<World> {
  const roles = ['SecurityMaterialEdit', 'MonitoringDataRead', 'CredentialsRead']
  const key = await server.sender({ plan: 'api', parameters: { roles } })
  let token = await server.token(key)
  const send = (method: string, path: string, body?: object) =>
    server.call(`/admin/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
  async function api(method: string, path: string, body?: object): Promise<Answer> {
    const answer = await send(method, path, body)
    if (answer.status !== 401) return answer
    // Tests let time pass.
    token = await server.token(key)
    return send(method, path, body)
  }
  const done = (answer: Answer): Answer => {
    if (answer.status >= 300) throw new Error(`${answer.status} ${answer.text}`)
    return answer
  }
  const job = async (id: string) => done(await api('GET', `/provisioning/jobs/${id}`)).json<Job>()
  const world: World = {
    server,
    api,
    job,
    async system(name, type, role, properties = {}) {
      done(await api('POST', '/provisioning/systems', { name, type, role, properties }))
    },
    set: (name, properties) => api('PATCH', `/provisioning/systems/${name}`, { properties }),
    async scim(name, role, { url, ca }, properties = {}) {
      done(await api('POST', '/keystore/import', { alias: `ca-of-${name}`, file: ca }))
      await world.system(name, 'scim', role, {
        URL: url,
        'ips.failed.request.retry.attempts.interval': '0',
        ...properties,
      })
    },
    async start(source, type = 'read') {
      return done(await api('POST', `/provisioning/systems/${source}/jobs`, { type })).json<Job>().id
    },
    async finished(id) {
      for (;;) {
        const now = await job(id)
        if (ended.test(now.status)) return now
        await pause(20)
      }
    },
    run: async (source, type) => world.finished(await world.start(source, type)),
  }
  return world
}

/** What a job did with entities of a type in a system; what is 0 is left out. */
export function counts(job: Job, system: string, entityType = 'user'): Partial<Counts> {
  const row = job.statistics.find(one => one.system === system && one.entityType === entityType)
  if (!row) throw new Error(`no statistics of ${system}: ${JSON.stringify(job)}`)
  const { system: _s, action: _a, entityType: _t, ...found } = row
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value > 0))
}
