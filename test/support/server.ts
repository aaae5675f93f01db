import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Server as PlainServer } from 'node:http'
import { request as plainRequest } from 'node:http'
import { type Server as TlsServer, request as tlsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Listener } from '../../src/adapters/http/request.ts'
import { mtlsServer, plainServer, type RequestListener, tlsServer } from '../../src/adapters/http/server.ts'
import { createPrometheusMeter } from '../../src/adapters/metrics/prometheus.ts'
import type { IdentitySettings } from '../../src/app/camunda/settings.ts'
import { composeServer, type Server } from '../../src/app/compose.ts'
import { prepareIdentity } from '../../src/app/identity/initialize.ts'
import { identitySocket } from '../../src/app/identity/listener.ts'
import {
  createInstance,
  createKey,
  type InstanceParameters,
  listRoles,
  type ServiceKeyDocument,
} from '../../src/core/broker/index.ts'
import type { Context, Log } from '../../src/core/context.ts'
import { deployFlow } from '../../src/core/flows/index.ts'
import { isProblem, type Problem } from '../../src/core/problem.ts'
import { defaultTenantName, type Tenant } from '../../src/core/tenant.ts'
import { openVault } from '../../src/core/vault.ts'
import { issueServerCertificate, makeRoot } from '../../src/crypto/server-certificate.ts'

/** A line of the log, as it was written. */
export interface LogLine {
  readonly level: string
  readonly fields: Record<string, unknown>
  readonly message: string
}

/** One tidy world to start from: a real server on a real TLS socket, in this process, on its own store. */
export interface TestServer {
  /** Without a slash at the end; also the issuer of tenant `default`. */
  readonly url: string
  /** The base of the port that asks for a client certificate, and of the PKI. */
  readonly mtlsUrl: string
  readonly pkiUrl: string
  /** The base of the port of the identity service, where there is one. */
  readonly identityUrl: string
  /** PEM of the root to trust. */
  readonly ca: string
  /** The server certificate with its chain, and its key, PEM. */
  readonly identity: { readonly cert: string; readonly key: string }
  readonly server: Server
  readonly tenant: Tenant
  readonly log: readonly LogLine[]
  /** Moves the server's clock. */
  advance(milliseconds: number): void
  now(): number
  /** Another tenant's base address is `url + /tenants/NAME`. */
  call(path: string, options?: CallOptions): Promise<Answer>
  /** A service instance with one secret key. */
  sender(options?: SenderOptions): Promise<SentKey>
  /** A token by secret. */
  token(key: { clientid: string; clientsecret: string }, parameters?: Record<string, string>): Promise<string>
  /** An admin token of an instance of plan `api` with these roles. */
  adminToken(...roles: string[]): Promise<string>
  deploy(flow: object, tenant?: Tenant): Promise<void>
  close(): Promise<void>
}

/** A service key of type `secret` as its sender got it, and the name of its instance. */
export type SentKey = ServiceKeyDocument & { readonly clientsecret: string; readonly instance: string }

export interface SenderOptions {
  readonly plan?: 'integration-flow' | 'api'
  readonly parameters?: InstanceParameters
  readonly tenant?: Tenant
}

export interface CallOptions {
  readonly method?: string
  readonly headers?: Record<string, string | string[]>
  /** An object is sent form-encoded. */
  readonly body?: string | Buffer | Record<string, string>
  /** PEM of the client certificate, with what is sent along, and of its key. */
  readonly certificate?: { readonly cert: string; readonly key: string }
}

export interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly text: string
  readonly bytes: Buffer
  /** The body as JSON. */
  json<Body = Record<string, unknown>>(): Body
}

export interface TestServerOptions {
  /** `postgres://...`; default: SQLite in a new directory. */
  readonly databaseUrl?: string
  /** For several servers on one database, at once or one after the other; default: a random one. */
  readonly masterKey?: Buffer
  /** Without TLS. */
  readonly plain?: boolean
  /** PEM; trusted where registered addresses are called. */
  readonly outboundCa?: string
  /** Runs provisioning jobs. */
  readonly jobs?: boolean
  /** With the identity service, on its own socket as well; a function is told the address of this server. */
  readonly identity?: IdentitySettings | ((url: string) => IdentitySettings)
}

export function basic({ clientid, clientsecret }: { clientid: string; clientsecret: string }): string {
  return `Basic ${Buffer.from(`${encodeURIComponent(clientid)}:${encodeURIComponent(clientsecret)}`).toString('base64')}`
}

let counter = 0

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-test-'))
  const log: LogLine[] = []
  let offset = 0
  const context: Context = { now: () => Date.now() + offset, random: randomBytes, log: memoryLog(log) }
  const root = makeRoot({ commonName: 'Test root', now: Date.now(), random: randomBytes })
  const identity = issueServerCertificate({
    root,
    hosts: ['localhost', '127.0.0.1', '::1'],
    now: Date.now(),
    days: 30,
    random: randomBytes,
  })
  const key = identity.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string

  // The ports are known before the addresses are made: the listeners are put in afterwards.
  const later = (name: Listener['name']): RequestListener => {
    let made: RequestListener | undefined
    return (request, response) => {
      made ??= server.listenerOf({ name })
      made(request, response)
    }
  }
  const identityPem = { cert: identity.pem + root.pem, key }
  const main = await listen(
    options.plain ? plainServer(later('plain')) : tlsServer(identityPem, later('public')),
  )
  const mtls = await listen(mtlsServer(identityPem, later('mtls')))
  const pki = await listen(plainServer(later('pki')))
  const url = `${options.plain ? 'http' : 'https'}://localhost:${main.port}`
  const mtlsUrl = `https://localhost:${mtls.port}`
  const pkiUrl = `http://localhost:${pki.port}`
  const settings = typeof options.identity === 'function' ? options.identity(url) : options.identity
  const own =
    settings &&
    identitySocket(settings, '127.0.0.1', later(settings.tls ? 'identity' : 'identity-plain'), context)
  const ofIdentity = own && (await listen(own.socket))

  const meter = createPrometheusMeter()
  const { masterKey = randomBytes(32) } = options
  const server: Server = await composeServer({
    databaseUrl: options.databaseUrl ?? `sqlite:${directory}`,
    role: 'primary',
    bases: { publicUrl: url, mtlsUrl, pkiUrl },
    context,
    meter,
    sourceFiles: join(directory, 'provisioning'),
    outboundCa: options.outboundCa,
    identity: settings,
    openVault: store => openVault(store, masterKey, context),
    operations: () => ({
      ready: () => true,
      metrics: () => meter.page(),
      rotateMasterKey: async () => ({ rewrapped: 0, next: '' }),
    }),
  })
  if (settings) await prepareIdentity(settings, server.services)
  if (options.jobs) await server.jobs.tick()
  const tenant = server.services.tenants.byName(defaultTenantName)!

  const call = (path: string, given: CallOptions = {}) => callUrl(`${url}${path}`, root.pem, given)

  async function sender({
    plan = 'integration-flow',
    parameters = {},
    tenant: of = tenant,
  }: SenderOptions = {}) {
    const name = `instance-${++counter}`
    orThrow(await createInstance(of, { name, plan, parameters }, server.services))
    const made = orThrow(await createKey(of, name, 'key', {}, server.services))
    return { instance: name, ...made.document } as unknown as SentKey
  }

  async function token(sent: { clientid: string; clientsecret: string; tokenurl?: string }, more = {}) {
    const answer = await callUrl(sent.tokenurl ?? `${url}/oauth/token`, root.pem, {
      method: 'POST',
      headers: { Authorization: basic(sent) },
      body: { grant_type: 'client_credentials', ...more },
    })
    if (answer.status !== 200) throw new Error(`no token: ${answer.status} ${answer.text}`)
    return answer.json<{ access_token: string }>().access_token
  }

  return {
    url,
    mtlsUrl,
    pkiUrl,
    identityUrl: ofIdentity ? `${settings?.tls ? 'https' : 'http'}://localhost:${ofIdentity.port}` : '',
    ca: root.pem,
    identity: identityPem,
    server,
    tenant,
    log,
    advance(milliseconds) {
      offset += milliseconds
    },
    now: context.now,
    call,
    sender,
    token,
    adminToken: async (...roles) => token(await sender({ plan: 'api', parameters: { roles } })),
    async deploy(flow, of = tenant) {
      const { store, outbound } = server.services
      const roles = async () => (await listRoles(of, store)).map(role => role.name)
      orThrow(await deployFlow(of, flow, { store, outbound, context, roles }))
    },
    async close() {
      own?.end()
      for (const { socket } of [main, mtls, pki, ...(ofIdentity ? [ofIdentity] : [])]) {
        socket.close()
        socket.closeAllConnections()
      }
      await server.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function listen<Kind extends TlsServer | PlainServer>(socket: Kind) {
  await new Promise<void>(resolve => socket.listen(0, '127.0.0.1', resolve))
  return { socket, port: (socket.address() as AddressInfo).port }
}

/** One request on a connection of its own; the path is sent as it is. */
export function callUrl(
  url: string,
  ca: string,
  { method = 'GET', headers = {}, body, certificate }: CallOptions,
): Promise<Answer> {
  const { protocol, hostname, port, pathname, search } = splitUrl(url)
  const form = body !== undefined && typeof body === 'object' && !Buffer.isBuffer(body)
  const bytes = form
    ? new URLSearchParams(body as Record<string, string>).toString()
    : (body as string | Buffer | undefined)
  const request = protocol === 'https:' ? tlsRequest : plainRequest
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        hostname,
        port,
        // A forged Host header must not change whom we expect to speak to.
        servername: hostname,
        path: pathname + search,
        method,
        ca,
        ...certificate,
        agent: false,
        headers: {
          ...(form && { 'Content-Type': 'application/x-www-form-urlencoded' }),
          ...(bytes !== undefined && { 'Content-Length': Buffer.byteLength(bytes) }),
          ...headers,
        },
      },
      response => {
        const chunks: Buffer[] = []
        response.on('data', chunk => chunks.push(chunk))
        response.on('end', () => {
          const bytes = Buffer.concat(chunks)
          const text = bytes.toString()
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            text,
            bytes,
            json: <Body>() => JSON.parse(text) as Body,
          })
        })
        response.on('error', reject)
      },
    )
    sent.on('error', reject)
    sent.end(bytes)
  })
}

/** Like URL, but leaves the path alone: dot segments and `//` must arrive as they were written. */
function splitUrl(url: string) {
  const [, protocol, hostname, port, pathname = '/', search = ''] =
    /^(https?:)\/\/([^/:]+):(\d+)([^?]*)(\?.*)?$/.exec(url) ?? []
  return { protocol, hostname, port, pathname, search }
}

function memoryLog(lines: LogLine[]): Log {
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields: { ...fields }, message })
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

export function orThrow<Value>(value: Value | Problem): Value {
  if (isProblem(value)) throw new Error(`${value.code}: ${value.description}`)
  return value
}
