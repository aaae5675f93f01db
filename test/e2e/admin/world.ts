import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defaults } from '../../support/camunda-settings.ts'
import { type Answer, type SentKey, startTestServer, type TestServer } from '../../support/server.ts'

export type Json = Record<string, unknown>

/** A caller of the admin API. */
export interface Admin {
  readonly headers: { readonly Authorization: string }
  /** `path` is below `/admin/v1`; a body is sent as JSON. */
  call(method: string, path: string, body?: unknown): Promise<Answer>
}

/** A caller with a token of plan `api`. `prefix` is `/tenants/NAME` of the tenant to act on. */
export function adminWith(server: TestServer, token: string, prefix = ''): Admin {
  const headers = { Authorization: `Bearer ${token}` }
  return {
    headers,
    call: (method, path, body) =>
      server.call(`${prefix}/admin/v1${path}`, {
        method,
        headers: { ...headers, ...(body !== undefined && { 'Content-Type': 'application/json' }) },
        ...(body !== undefined && {
          body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
        }),
      }),
  }
}

export const allRoles = [
  'MonitoringDataRead',
  'CredentialsRead',
  'CredentialsEdit',
  'SecurityMaterialEdit',
  'UserRolesEdit',
  'WorkspaceArtifactsDeploy',
  'TenantsEdit',
]

/** Gets a new token when the clock of the server was moved past the end of the old one. */
async function lastingAdmin(server: TestServer): Promise<Admin> {
  const key = await server.sender({ plan: 'api', parameters: { roles: allRoles } })
  let admin = adminWith(server, await server.token(key))
  let since = server.now()
  return {
    get headers() {
      return admin.headers
    },
    async call(method, path, body) {
      if (server.now() - since > 6 * 3_600_000) {
        admin = adminWith(server, await server.token(key))
        since = server.now()
      }
      return admin.call(method, path, body)
    },
  }
}

/** A server, and an administrator who may do everything in it. */
export async function startAdminWorld() {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-admin-'))
  const server = await startTestServer({ databaseUrl: `sqlite:${directory}`, identity: () => defaults })
  const admin = await lastingAdmin(server)
  /** Creates an instance and a key of it through the API. */
  async function newKey(
    instance: string,
    parameters: Json = {},
    plan = 'integration-flow',
  ): Promise<SentKey> {
    const made = await admin.call('POST', '/instances', { name: instance, plan, parameters })
    if (made.status !== 201) throw new Error(made.text)
    const key = await admin.call('POST', `/instances/${instance}/keys`, { name: 'key' })
    return { instance, ...key.json<Json>() } as unknown as SentKey
  }
  async function close() {
    await server.close()
    rmSync(directory, { recursive: true })
  }
  return { directory, server, services: server.server.services, admin, newKey, close }
}

/** What a refusal says, for the caller and in its hint. */
export function told(answer: Answer): string {
  const { error_description: description, hint = '' } = answer.json<{
    error_description: string
    hint?: string
  }>()
  return `${description} | ${hint}`
}

/** The bytes of every file in a directory. */
export function bytesOf(directory: string): Buffer {
  return Buffer.concat(readdirSync(directory).map(name => readFileSync(join(directory, name))))
}
