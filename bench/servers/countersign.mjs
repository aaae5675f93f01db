// The whole product on one socket, composed as `serve` composes it: store and journal on disk, log to a file,
// metrics, limits, revocation checks. What differs: a plain listener instead of TLS, and with
// `forwarder: 'instant'` a receiver that is no network away (so that admission can be measured).
import { randomBytes } from 'node:crypto'
import { openSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mtlsServer, plainServer, tlsServer } from '../../dist/adapters/http/server.js'
import { createLog } from '../../dist/adapters/log/pino.js'
import { createPrometheusMeter } from '../../dist/adapters/metrics/prometheus.js'
import { composeServer } from '../../dist/app/compose.js'
import { createRandom } from '../../dist/app/random.js'
import { createInstance, createKey, listRoles } from '../../dist/core/broker/index.js'
import { deployFlow } from '../../dist/core/flows/index.js'
import { isProblem } from '../../dist/core/problem.js'
import { defaultTenantName } from '../../dist/core/tenant.js'
import { issueToken, rotateKeys } from '../../dist/core/tokens/index.js'
import { addTrust } from '../../dist/core/trust/index.js'
import { openVault } from '../../dist/core/vault.js'
import { identityOf } from './identity.mjs'
import { loopMicroseconds } from './loop.mjs'
import { pathLoops } from './path-loops.mjs'
import { options, ready } from './serve.mjs'

const { directory, algorithm, receiver, forwarder, tokens, tls, mtls, senderJwk } = options

const orThrow = value => {
  if (isProblem(value)) throw new Error(`${value.code}: ${value.description}`)
  return value
}

/** Answers as a receiver would, at once. */
const answer = Buffer.from('{"status":"ok"}')
const instant = {
  forward(_, incoming) {
    incoming.head(200, ['content-type', 'application/json', 'content-length', String(answer.length)])
    incoming.data(answer)
    incoming.end()
    return { resume() {}, abort() {} }
  },
  close: async () => {},
}

const log = createLog({ level: 'info', format: 'json', fd: openSync(join(directory, 'log'), 'a') })
const context = { now: Date.now, random: createRandom(), log }
const meter = createPrometheusMeter()

// The port is known before the addresses are made: the listener is put in afterwards.
let listener
const relay = (request, response) => listener(request, response)
const socket = tls ? (mtls ? mtlsServer : tlsServer)(tls, relay) : plainServer(relay)
await new Promise(resolve => socket.listen(0, '127.0.0.1', resolve))
const { port } = socket.address()
const url = `${tls ? 'https' : 'http'}://localhost:${port}`

const identity = options.identity && (await identityOf({ ...options.identity, root: mtls?.root }))
const server = await composeServer({
  ...(identity && { identity: identity.settings }),
  databaseUrl: `sqlite:${directory}`,
  role: 'primary',
  bases: { publicUrl: url, mtlsUrl: url, pkiUrl: url },
  context,
  meter,
  sourceFiles: directory,
  ...(forwarder === 'instant' && { forwarder: instant }),
  openVault: store => openVault(store, randomBytes(32), context),
  operations: () => ({
    ready: () => true,
    metrics: () => meter.page(),
    rotateMasterKey: async () => ({ rewrapped: 0, next: '' }),
  }),
})
listener = server.listenerOf({ name: tls ? (mtls ? 'mtls' : 'public') : 'plain' })
const { services } = server
const { store } = services
const tenant = services.tenants.byName(defaultTenantName)
if (algorithm) await rotateKeys(tenant, { now: true, algorithm }, services)

// With `mtls` the sender holds a certificate of its own authority, and the chain comes with each connection.
if (mtls) orThrow(await addTrust(tenant, { certificates: mtls.root }, services))
const parameters = { bindTokens: mtls?.bindTokens ?? false }
orThrow(await createInstance(tenant, { name: 'bench', plan: 'integration-flow', parameters }, services))
const keyParameters = mtls
  ? { 'key-type': 'certificate_external', 'X.509': mtls.cert, 'allow-untrusted': true }
  : senderJwk
    ? { 'key-type': 'jwks', jwks: { keys: [senderJwk] } }
    : {}
const { document: key } = orThrow(await createKey(tenant, 'bench', 'key', keyParameters, services))

if (receiver || forwarder) {
  const flow = {
    id: 'bench',
    sender: { adapter: 'HTTPS', address: '/bench' },
    receiver: { adapter: 'HTTP', url: receiver ?? 'http://127.0.0.1:9/' },
  }
  const roles = async () => (await listRoles(tenant, store)).map(role => role.name)
  orThrow(await deployFlow(tenant, flow, { store, context, roles }))
}

const client = await services.directory.byClientId(tenant.id, key.clientid)
const issue = async () => {
  const issued = await issueToken(
    new Map([['grant_type', 'client_credentials']]),
    client,
    { tenant },
    services,
  )
  return orThrow(issued).response.access_token
}
const made = identity
  ? await identity.prepare(server, tenant, tokens?.count ?? 0)
  : await Promise.all(Array.from({ length: tokens?.count ?? 0 }, issue))
if (tokens) await writeFile(tokens.file, made.join('\n'))

/** The admission function alone, without HTTP: CPU microseconds per call. */
const admission = async () => {
  const flow = (await services.flows.find(tenant.id, '/http', '/bench')).flow
  const requests = made.map(token => ({ tenant, authorization: `Bearer ${token}`, source: '127.0.0.1' }))
  let next = 0
  return loopMicroseconds(options.loopMs, async () => {
    orThrow(await flow.authorization.admit(requests[next++ % requests.length], services))
  })
}

const facts = { port, url, clientId: key.clientid, clientSecret: key.clientsecret, token: made[0] }
ready(facts, () => server.close(), {
  admission,
  ...(identity && { resolving: () => identity.resolving(server, tenant, options.loopMs) }),
  ...(mtls && pathLoops(mtls, tenant, services, options.loopMs)),
  dropped: () => services.journal.dropped,
})
