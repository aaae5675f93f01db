import { createPrivateKey } from 'node:crypto'
import type { Addresses } from '../../../src/core/addresses.ts'
import { deleteApplication, issuerOf, revokeGrant } from '../../../src/core/applications/index.ts'
import {
  assignRole,
  deleteKey,
  type InstanceParameters,
  unassignRole,
  updateInstance,
} from '../../../src/core/broker/index.ts'
import { deleteClient, registerClient, userOf } from '../../../src/core/registration/index.ts'
import type { Tenant } from '../../../src/core/tenant.ts'
import { dialectOf, type SigningLine } from '../../../src/core/tokens/index.ts'
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
import { grant, newApp, secretOf } from '../entra/world.ts'
import { forge, prefixOf } from '../token-server/world.ts'
import { orders, type Resources } from './resources.ts'

type IdAndSecret = { readonly clientid: string; readonly clientsecret: string }

/** A client as its owner knows it. */
export interface Spoken extends IdAndSecret {
  readonly tenant: Tenant
}

/** What the acceptance tests need to know of a dialect: how its clients ask, and what refusals are called there. */
export interface Speaker {
  readonly name: string
  /** Where its clients ask for tokens, and where the keys of these are published. */
  readonly tokenPath: (tenant: Tenant) => string
  readonly keysPath: (tenant: Tenant) => string
  /** How a client says who it is: headers, and parameters of the body. */
  readonly proof: (key: IdAndSecret) => Readonly<Record<'headers' | 'body', Record<string, string>>>
  /** The forms in which its clients get tokens, and what they send for them. */
  readonly formats: Readonly<Record<string, Record<string, string>>>
  /** What they send for a JWT. */
  readonly jwt: Record<string, string>
  /** Seconds, as the answer says them. */
  readonly expiresIn: number
  /** Every `iss` that its tokens can have. */
  readonly issuers: (tenant: Tenant, addresses: Addresses) => readonly string[]
  /** The line of keys that signs its JWTs, and their `typ`. */
  readonly line: SigningLine
  readonly typ: string
  /** Claims beside dates that no good token has, out of those of a good one. */
  readonly wrongClaims: (claims: Claims) => readonly Claims[]
  /** What whoever is not known is told. */
  readonly unknown: Told
  /** The same where its very id is not known; undefined: no answer tells the one from the other. */
  readonly unknownId?: Told
  /** Requests of a known client that cannot be granted, and what it is told. */
  readonly refusals: readonly (readonly [Record<string, string>, ...Told])[]
  /** Lines of an error description. */
  readonly describedIn: number
  /** Where its tokens are used. */
  readonly usedAt: keyof Resources
  /** Of those whose clients are keys of service instances. What belongs to instances is tried with these alone. */
  readonly ofInstances?: {
    readonly scopeForm: (scope: readonly string[]) => unknown
    readonly credentialClaim: string
  }
  /** A client with a secret whose tokens open the resource. */
  client(server: TestServer, tenant?: Tenant): Promise<Spoken>
  /** Deletes it. */
  remove(server: TestServer, client: Spoken): Promise<unknown>
  /** Takes the role from it that the resource asks for. */
  takeRole(server: TestServer, client: Spoken): Promise<unknown>
}

type Told = readonly [status: number, error: string]
type Claims = Readonly<Record<string, unknown>>

const ofInstance = (dialect: string): Pick<Speaker, 'client' | 'remove' | 'takeRole'> => ({
  client: async (server, tenant = server.tenant) => ({
    ...(await keyOf(server, dialect, {}, tenant)),
    tenant,
  }),
  remove: async (server, client) => {
    const { instance } = client as Spoken & SentKey
    orThrow(await deleteKey(client.tenant, instance, 'key', server.server.services))
  },
  takeRole: async (server, client) => {
    const { instance } = client as Spoken & SentKey
    orThrow(await updateInstance(client.tenant, instance, { roles: [] }, server.server.services))
  },
})

/** A service key of an instance of the dialect. */
export const keyOf = (
  server: TestServer,
  dialect: string,
  parameters: InstanceParameters = {},
  tenant: Tenant = server.tenant,
): Promise<SentKey> => server.sender({ parameters: { dialect, ...parameters }, tenant })

const wrongGrants: Speaker['refusals'] = [
  [{ grant_type: '' }, 400, 'invalid_request'],
  [{ grant_type: 'password' }, 400, 'unsupported_grant_type'],
]

const wrongOfOurs =
  (credentialClaim: string, wrongScope: unknown): Speaker['wrongClaims'] =>
  claims => [
    { jti: undefined },
    { sub: 1 },
    { client_id: undefined },
    { scope: wrongScope },
    { scope: [1] },
    { [credentialClaim]: undefined },
    { [credentialClaim]: 'x' },
    { [credentialClaim]: `${String(claims[credentialClaim]).split('.')[0]}.99` },
  ]

const issuersOf =
  (dialect: string): Speaker['issuers'] =>
  (tenant, addresses) => [dialectOf({ dialect }).issuer(tenant, addresses)]

const bothFormats = { jwt: { token_format: 'jwt' }, opaque: { token_format: 'opaque' } }

const standard: Speaker = {
  name: 'standard',
  tokenPath: tenant => `${prefixOf(tenant)}/oauth/token`,
  keysPath: tenant => `${prefixOf(tenant)}/token_keys`,
  proof: key => ({ headers: { Authorization: basic(key) }, body: {} }),
  formats: bothFormats,
  jwt: bothFormats.jwt,
  expiresIn: 3600,
  issuers: issuersOf('standard'),
  line: 'sig',
  typ: 'at+jwt',
  wrongClaims: wrongOfOurs('cred', ['ESBMessaging.send']),
  unknown: [401, 'invalid_client'],
  refusals: [
    ...wrongGrants,
    [{ scope: 'MonitoringDataRead' }, 400, 'invalid_scope'],
    [{ resource: 'https://localhost/admin/v1' }, 400, 'invalid_target'],
    [{ token_format: 'saml2' }, 400, 'invalid_request'],
  ],
  describedIn: 1,
  usedAt: 'own',
  ofInstances: { scopeForm: scope => scope.join(' '), credentialClaim: 'cred' },
  ...ofInstance('standard'),
}

const { ofInstances: _, ...ofNoInstances } = standard

let registered = 0

const atOrders = (more: string) => ({ scope: orders.clientId + more })

/** Applications. Entra tells whether an id is one of an application: decision 0016. */
const entra: Speaker = {
  name: 'entra',
  tokenPath: ({ guid }) => `/${guid}/oauth2/v2.0/token`,
  keysPath: ({ guid }) => `/${guid}/discovery/v2.0/keys`,
  proof: ({ clientid, clientsecret }) => ({
    headers: {},
    body: { client_id: clientid, client_secret: clientsecret },
  }),
  formats: { byId: atOrders('/.default'), byUri: { scope: `api://${orders.clientId}/.default` } },
  jwt: atOrders('/.default'),
  expiresIn: 3599,
  issuers: (tenant, addresses) => [issuerOf(tenant, 1, addresses), issuerOf(tenant, 2, addresses)],
  line: 'rs256',
  typ: 'JWT',
  wrongClaims: () => [
    { uti: undefined },
    { sub: 1 },
    { azp: undefined },
    { roles: orders.role },
    { roles: [1] },
    { idtyp: undefined },
    { idtyp: 'user' },
    { ver: undefined },
    { ver: '1.0' },
  ],
  unknown: [401, 'invalid_client'],
  unknownId: [400, 'unauthorized_client'],
  refusals: [
    ...wrongGrants,
    [atOrders(`/${orders.role}`), 400, 'invalid_scope'],
    [atOrders(''), 400, 'invalid_scope'],
    [atOrders('/.default Orders.Send'), 400, 'invalid_scope'],
    [atOrders('/.default https://localhost/admin/v1/.default'), 400, 'invalid_scope'],
    [{ scope: 'https://localhost/admin/v1/.default' }, 400, 'invalid_resource'],
  ],
  describedIn: 4,
  usedAt: 'application',
  async client(server, tenant = server.tenant) {
    const app = await newApp(server, {}, tenant)
    await grant(server, app, orders, orders.role, tenant)
    return { clientid: app.clientId, clientsecret: await secretOf(server, app, undefined, tenant), tenant }
  },
  remove: async (server, { tenant, clientid }) =>
    orThrow(await deleteApplication(tenant, clientid, server.server.services)),
  takeRole: async (server, { tenant, clientid }) => {
    const request = { application: clientid, resource: orders.clientId, role: orders.role }
    orThrow(await revokeGrant(tenant, request, server.server.services))
  },
}

/** Every dialect in the list has one here; a test sees to it. */
export const speakers: readonly Speaker[] = [
  standard,
  {
    ...standard,
    name: 'uaa',
    issuers: issuersOf('uaa'),
    line: 'rs256',
    typ: 'JWT',
    wrongClaims: wrongOfOurs('rev_sig', 'ESBMessaging.send'),
    ofInstances: { scopeForm: scope => scope, credentialClaim: 'rev_sig' },
    ...ofInstance('uaa'),
  },
  {
    ...ofNoInstances,
    name: 'neo',
    tokenPath: tenant => `${prefixOf(tenant)}/oauth2/api/v1/token`,
    issuers: issuersOf('neo'),
    formats: { opaque: {}, jwt: { token_format: 'jwt' }, jwtrfc: { token_format: 'jwtrfc' } },
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
    takeRole: async (server, { tenant, clientid }) => {
      const request = { user: userOf(clientid), role: 'ESBMessaging.send' }
      orThrow(await unassignRole(tenant, request, server.server.services))
    },
  },
  entra,
]

export const speakerOf = (name: string): Speaker => speakers.find(speaker => speaker.name === name)!

/** A token request as the clients of the dialect send it. */
export function ask(
  server: TestServer,
  { tokenPath, proof }: Speaker,
  key: IdAndSecret,
  parameters: Record<string, string> = {},
  { tenant = server.tenant, ...more }: CallOptions & { tenant?: Tenant } = {},
): Promise<Answer> {
  const { headers, body } = proof(key)
  return server.call(tokenPath(tenant), {
    method: 'POST',
    body: { grant_type: 'client_credentials', ...body, ...parameters },
    ...more,
    headers: { ...headers, ...more.headers },
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
