import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Application } from '../../src/core/applications/index.ts'
import type { Tenant } from '../../src/core/tenant.ts'
import { issueServerCertificate, makeRoot } from '../../src/crypto/server-certificate.ts'
import { ask, holdCertificate, newApp, newCertificate, secretOf, tokenOf } from '../e2e/entra/world.ts'
import { read } from './camunda-settings.ts'
import { describedEnvironments } from './camunda-tables.ts'
import { runOpenssl } from './openssl-run.ts'
import { pkcs8, type Sender } from './senders.ts'
import { type Answer, type CallOptions, callUrl, startTestServer, type TestServer } from './server.ts'

type Env = Readonly<Record<string, string>>

/** The GUIDs of the description: of the service itself, and of the API that its scope names. */
export const describedIds = {
  service: '6fe432f2-7dc3-4e13-b1b4-4cc8480c80b7',
  api: '2622078b-0164-41ee-8794-3ff8d9f8e402',
} as const
/** What the described Compose block has in the place of a tenant of Microsoft Entra. */
const describedAuthority = 'https://login.microsoftonline.com/ea952511-6a7f-40b8-af71-6c1be6f0dade'

/** A token server that speaks as Microsoft Entra does, and knows the described service by its certificate. */
export interface Entra {
  readonly server: TestServer
  readonly tenant: Tenant
  /** Issuer, token endpoint and keys begin with it. */
  readonly authority: string
  readonly issuer: string
  readonly service: Application
  readonly api: Application
  /** That of the service. */
  readonly certificate: Sender
  /** Holds identity.p12 with the password `password`, and ca.pem. */
  readonly directory: string
  /** A described environment with this token server and these files in it, and without a fixed port. */
  placed(env: Env): Record<string, string>
  /** A token of this application for the API of that id, by its secret. */
  tokenFor(app: Application, audience?: string): Promise<string>
  close(): Promise<void>
}

/** As the description makes it of two PEM files: `openssl pkcs12 -export`, without a name for the key. */
export function describedPkcs12({ pem, pair }: Pick<Sender, 'pem' | 'pair'>, password = 'password'): Buffer {
  const { status, words, out } = runOpenssl(
    [
      ...['pkcs12', '-export', '-out', 'out'],
      ...['-inkey', 'private-key.pem', '-in', 'certificate.pem', '-password', `pass:${password}`],
    ],
    { 'private-key.pem': pkcs8(pair), 'certificate.pem': pem },
  )
  if (status !== 0) throw new Error(words)
  return out
}

export async function startEntra(): Promise<Entra> {
  const server = await startTestServer()
  const directory = mkdtempSync(join(tmpdir(), 'countersign-identity-'))
  const roles = { appRoles: [{ value: 'Orders.Admin' }] }
  const service = await newApp(server, { id: describedIds.service, name: 'identity', ...roles })
  const api = await newApp(server, { id: describedIds.api, name: 'api', ...roles })
  const certificate = newCertificate('identity')
  await holdCertificate(server, service, certificate)
  writeFileSync(join(directory, 'identity.p12'), describedPkcs12(certificate), { mode: 0o600 })
  writeFileSync(join(directory, 'ca.pem'), server.ca)
  const authority = `${server.url}/${server.tenant.guid}`
  const secrets = new Map<string, Promise<string>>()
  return {
    server,
    tenant: server.tenant,
    authority,
    issuer: `${authority}/v2.0`,
    service,
    api,
    certificate,
    directory,
    placed: env => ({
      ...Object.fromEntries(
        Object.entries(env).map(([name, value]) => [
          name,
          value.replace(describedAuthority, authority).replace(/^(\/certs|\/path\/to)\//, `${directory}/`),
        ]),
      ),
      SERVER_PORT: '0',
    }),
    async tokenFor(app, audience = describedIds.service) {
      const secret = secrets.get(app.clientId) ?? secretOf(server, app)
      secrets.set(app.clientId, secret)
      return tokenOf(
        await ask(server, {
          client_id: app.clientId,
          client_secret: await secret,
          scope: `${audience}/.default`,
        }),
      )
    },
    async close() {
      await server.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** What tokens of `entra` are accepted by, and nothing else of the described Compose block. */
export const tokensOnly = (entra: Entra): Record<string, string> => ({
  CAMUNDA_IDENTITY_TYPE: 'MICROSOFT',
  CAMUNDA_IDENTITY_ISSUER: entra.issuer,
  CAMUNDA_IDENTITY_CLIENT_ID: describedIds.service,
  CAMUNDA_IDENTITY_AUDIENCE: describedIds.service,
  CAMUNDA_SECURITY_AUTHENTICATION_METHOD: 'OIDC',
})

/** The described Compose block, placed, with other values; undefined leaves one out. */
export function compose(entra: Entra, other: Readonly<Record<string, string | undefined>> = {}) {
  const all = { ...entra.placed(describedEnvironments.compose()), ...other }
  return Object.fromEntries(
    Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined),
  )
}

/** The identity service in this process, on a socket of its own. */
export interface RunningIdentity {
  readonly server: TestServer
  readonly url: string
  call(path: string, options?: CallOptions): Promise<Answer>
  close(): Promise<void>
}

export interface RunOptions {
  readonly databaseUrl?: string
  readonly masterKey?: Buffer
  /** PEM; default: that of `entra`. */
  readonly ca?: string
}

/** Runs the service with this environment. `entra`: whose root it trusts. */
export async function runIdentity(
  env: Env,
  entra?: Pick<Entra, 'server'>,
  { ca, ...options }: RunOptions = {},
): Promise<RunningIdentity> {
  const { settings } = read(env)
  const server = await startTestServer({
    ...options,
    identity: settings!,
    ...(entra && { outboundCa: entra.server.ca }),
  })
  const url = server.identityUrl
  return {
    server,
    url,
    call: (path, given = {}) => callUrl(`${url}${path}`, ca ?? server.ca, given),
    close: () => server.close(),
  }
}

/** A certificate of its own for the socket of the service, and the root (PEM) that clients trust. */
export function serverTls(): { readonly env: Record<string, string>; readonly ca: string } {
  const now = Date.now()
  const root = makeRoot({ commonName: 'Root of the service', now, random: randomBytes })
  const made = issueServerCertificate({ root, hosts: ['localhost'], now, random: randomBytes })
  return {
    ca: root.pem,
    env: { SERVER_SSL_CERTIFICATE: made.pem, SERVER_SSL_CERTIFICATE_PRIVATE_KEY: pkcs8(made) },
  }
}

export const me = '/v2/authentication/me'

export const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } })

/** A request with a JSON body. */
export const posts = (body: object, headers: Record<string, string> = {}): CallOptions => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify(body),
})
