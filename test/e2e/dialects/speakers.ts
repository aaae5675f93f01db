import { createPrivateKey } from 'node:crypto'
import { assignRole, deleteKey, type InstanceParameters } from '../../../src/core/broker/index.ts'
import { deleteClient, registerClient, userOf } from '../../../src/core/registration/index.ts'
import type { Tenant } from '../../../src/core/tenant.ts'
import type { SigningLine } from '../../../src/core/tokens/index.ts'
import { tenantKeyContext } from '../../../src/core/tokens/keyring.ts'
import { type Algorithm, algorithm } from '../../../src/crypto/algorithms.ts'
import {
  type Answer,
  basic,
  type CallOptions,
  orThrow,
  type SentKey,
  type TestServer,
} from '../../support/server.ts'
import { forge, prefixOf } from '../token-server/world.ts'

/** A client as its owner knows it. */
export interface Spoken {
  readonly clientid: string
  readonly clientsecret: string
  readonly tenant: Tenant
}

/** What the acceptance tests need to know of a dialect: how its clients ask, and what refusals are called there. */
export interface Speaker {
  readonly name: string
  /** Below the prefix of the tenant. */
  readonly tokenPath: string
  /** The forms in which its clients get tokens, and what they send for them. */
  readonly formats: Readonly<Record<string, Record<string, string>>>
  /** What they send for a JWT. */
  readonly jwt: Record<string, string>
  /** The line of keys that signs its JWTs, and their `typ`. */
  readonly line: SigningLine
  readonly typ: string
  readonly scopeForm: (scope: readonly string[]) => unknown
  readonly credentialClaim: string
  /** What a known client is told: status and `error`. */
  readonly refusals: Readonly<Partial<Record<keyof typeof unacceptable, Told>>>
  /** Are its clients keys of service instances? What belongs to instances is tried with these alone. */
  readonly ofInstances: boolean
  /** A client with a secret that may send to the flow at `/http/orders`. */
  client(server: TestServer, tenant?: Tenant): Promise<Spoken>
  /** Deletes it. */
  remove(server: TestServer, client: Spoken): Promise<unknown>
}

type Told = readonly [status: number, error: string]

/** Requests of a known client that cannot be granted. */
export const unacceptable = {
  scope: { scope: 'MonitoringDataRead' },
  noGrant: { grant_type: '' },
  unknownGrant: { grant_type: 'password' },
  target: { resource: 'https://localhost/admin/v1' },
  format: { token_format: 'saml2' },
}

const ofInstance = (dialect: string): Pick<Speaker, 'ofInstances' | 'client' | 'remove'> => ({
  ofInstances: true,
  client: async (server, tenant = server.tenant) => ({
    ...(await keyOf(server, dialect, {}, tenant)),
    tenant,
  }),
  remove: async (server, client) => {
    const { instance } = client as Spoken & SentKey
    orThrow(await deleteKey(client.tenant, instance, 'key', server.server.services))
  },
})

/** A service key of an instance of the dialect. */
export const keyOf = (
  server: TestServer,
  dialect: string,
  parameters: InstanceParameters = {},
  tenant: Tenant = server.tenant,
): Promise<SentKey> => server.sender({ parameters: { dialect, ...parameters }, tenant })

const byTheBook: Speaker['refusals'] = {
  scope: [400, 'invalid_scope'],
  noGrant: [400, 'invalid_request'],
  unknownGrant: [400, 'unsupported_grant_type'],
  target: [400, 'invalid_target'],
  format: [400, 'invalid_request'],
}

const bothFormats = { jwt: { token_format: 'jwt' }, opaque: { token_format: 'opaque' } }

const standard: Speaker = {
  name: 'standard',
  tokenPath: '/oauth/token',
  formats: bothFormats,
  jwt: bothFormats.jwt,
  line: 'sig',
  typ: 'at+jwt',
  scopeForm: scope => scope.join(' '),
  credentialClaim: 'cred',
  refusals: byTheBook,
  ...ofInstance('standard'),
}

let registered = 0

/** Every dialect in the list has one here; a test sees to it. */
export const speakers: readonly Speaker[] = [
  standard,
  {
    ...standard,
    name: 'uaa',
    line: 'rs256',
    typ: 'JWT',
    scopeForm: scope => scope,
    credentialClaim: 'rev_sig',
    ...ofInstance('uaa'),
  },
  {
    ...standard,
    name: 'neo',
    tokenPath: '/oauth2/api/v1/token',
    formats: { opaque: {}, jwt: { token_format: 'jwt' }, jwtrfc: { token_format: 'jwtrfc' } },
    ofInstances: false,
    async client(server, tenant = server.tenant) {
      const { services } = server.server
      const clientId = `chosen-${++registered}`
      const { secret } = orThrow(await registerClient(tenant, { clientId }, services))
      const user = userOf(clientId)
      orThrow(await assignRole(tenant, { user, role: 'ESBMessaging.send' }, services))
      return { clientid: clientId, clientsecret: secret!, tenant }
    },
    remove: async (server, { tenant, clientid }) =>
      orThrow(await deleteClient(tenant, clientid, server.server.services)),
  },
]

export const speakerOf = (name: string): Speaker => speakers.find(speaker => speaker.name === name)!

/** A token request as the clients of the dialect send it. */
export function ask(
  server: TestServer,
  { tokenPath }: Speaker,
  key: { clientid: string; clientsecret: string },
  parameters: Record<string, string> = {},
  { tenant = server.tenant, ...more }: CallOptions & { tenant?: Tenant } = {},
): Promise<Answer> {
  return server.call(`${prefixOf(tenant)}${tokenPath}`, {
    method: 'POST',
    body: { grant_type: 'client_credentials', ...parameters },
    ...more,
    headers: { Authorization: basic(key), ...more.headers },
  })
}

export interface SigningKey {
  readonly id: string
  readonly alg: Algorithm
  readonly privateKey: ReturnType<typeof createPrivateKey>
}

/** A key of the tenant that signs now, out of the store: what a thief of store and master key would have. */
export async function keyOfLine(server: TestServer, tenant: Tenant, line: SigningLine): Promise<SigningKey> {
  const { store, vault } = server.server.services
  const rows = (await store.read.tenantKeys.list(tenant.id)).filter(each => each.use === line)
  const row = rows.toSorted((a, b) => b.activeFrom - a.activeFrom)[0]!
  const key = vault.open(tenantKeyContext(row), row.sealed)
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  return { id: row.id, alg: algorithm(row.algorithm)!, privateKey }
}

/** A JWT of these parts, signed with a key, under its kid unless the header says otherwise. */
export const signWith = (key: SigningKey, header: object, claims: object): string =>
  forge(key.alg, key.privateKey, { alg: key.alg.name, kid: key.id, ...header }, claims)
