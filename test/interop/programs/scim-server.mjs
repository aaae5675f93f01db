// A SCIM server of others: scimmy behind express, over TLS unless told otherwise. The starter gives its options as JSON:
//   tls { cert, key } | undefined: plain HTTP; clientRoot: PEM that a client certificate must be signed by;
//   bearer: a token, or true for any; basic: { user, password }
// A line of input is `command JSON`, answered by a line of output; the end of the input is the sign to stop.
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createInterface } from 'node:readline'
import express from 'express'
import SCIMMY from 'scimmy'
import Routers from 'scimmy-routers'
import { createFaults } from './scim-faults.mjs'
import { createStore } from './scim-store.mjs'

const { tls, clientRoot, bearer, basic } = JSON.parse(process.argv[2] ?? '{}')
let clockOffset = 0
const store = createStore(() => new Date(Date.now() + clockOffset))
const faults = createFaults()

const notFound = id => new SCIMMY.Types.Error(404, null, `Resource ${id} not found`)

/** Only what the filter can mean: a look-up where there is one, else all entries are gone through. */
const matching = (entries, filter) => {
  if (!filter) return entries.all()
  const [, attribute, value] = /^(\w+) eq "([^"\\]*)"$/i.exec(filter.expression) ?? []
  if (attribute?.toLowerCase() === entries.name.toLowerCase()) return entries.named(value)
  return filter.match(entries.all())
}

const handlers = entries => ({
  egress(resource, { paging }) {
    if (resource.id) {
      const found = entries.get(resource.id)
      if (!found) throw notFound(resource.id)
      return found
    }
    const found = matching(entries, resource.filter)
    const { startIndex = 1, count = 20 } = { ...resource.constraints, ...paging }
    // scimmy would cut a page out of the page: it is told of page 1, and the middleware corrects the answer.
    resource.constraints = { startIndex: 1, count, totalResults: found.length }
    return found.slice(startIndex - 1, startIndex - 1 + count)
  },
  ingress(resource, instance) {
    if (resource.id && !entries.get(resource.id)) throw notFound(resource.id)
    const stored = entries.put(JSON.parse(JSON.stringify(instance)), resource.id)
    if (!stored) throw new SCIMMY.Types.Error(409, 'uniqueness', `${entries.name} is taken`)
    return stored
  },
  degress(resource) {
    if (!entries.remove(resource.id)) throw notFound(resource.id)
  },
})
SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser)
SCIMMY.Resources.declare(SCIMMY.Resources.User, handlers(store.Users))
SCIMMY.Resources.declare(SCIMMY.Resources.Group, handlers(store.Groups))

const requests = []
let counts = {}
const mostKept = 2000
const watch = (request, response, next) => {
  // Of the clock behind `meta`, as a server has only one.
  response.setHeader('date', new Date(Date.now() + clockOffset).toUTCString())
  const { method, url, headers, socket } = request
  counts[method] = (counts[method] ?? 0) + 1
  requests.push({
    method,
    path: url,
    authorization: headers.authorization,
    headers,
    certificate: tls && clientRoot ? socket.getPeerCertificate().subject?.CN : undefined,
  })
  if (requests.length > mostKept) requests.shift()
  next()
}

const expected = basic && `Basic ${Buffer.from(`${basic.user}:${basic.password}`).toString('base64')}`
const authenticate = request => {
  const given = request.headers.authorization ?? ''
  const accepted =
    bearer === true ? /^Bearer ./.test(given) : given === (bearer ? `Bearer ${bearer}` : (expected ?? given))
  if (!accepted) throw new Error('who are you?')
  return 'client'
}

/** Says where the page begins, as the request wanted it. */
const correctStart = (request, response, next) => {
  const send = response.send.bind(response)
  const { startIndex = 1 } = { ...request.query, ...request.paging }
  response.send = body =>
    send(Array.isArray(body?.Resources) ? Object.assign(body, { startIndex: Math.max(1, startIndex) }) : body)
  next()
}

const app = express().disable('x-powered-by').disable('etag')
// The routers turn numbers of the query into numbers, which this express forgets: so they come as numbers.
app.set('query parser', text =>
  Object.fromEntries(
    [...new URLSearchParams(text)].map(([name, value]) => [
      name,
      /^(startIndex|count)$/.test(name) && /^\d+$/.test(value) ? Number(value) : value,
    ]),
  ),
)
app.use('/scim/v2', watch, faults.middleware, correctStart)
app.use(
  '/scim/v2',
  new Routers({
    type: basic ? 'basic' : 'bearer',
    handler: authenticate,
    context: ({ paging }) => ({ paging }),
    baseUri: ({ protocol, headers }) => `${protocol}://${headers.host}`,
  }),
)
app.use((error, _request, _response, _next) => process.stderr.write(`${error.stack}\n`))

const server = tls
  ? createTlsServer(
      { ...tls, ...(clientRoot && { requestCert: true, rejectUnauthorized: true, ca: clientRoot }) },
      app,
    )
  : createServer(app)
server.keepAliveTimeout = 65_000
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))

const listed = { Users: store.Users, Groups: store.Groups }
const commands = {
  preload: store.preload,
  touch: store.touch,
  reset: store.reset,
  size: store.size,
  list: ({ type }) => ({ resources: listed[type].all() }),
  put: ({ type, resource, id }) => ({ resource: listed[type].put(resource, id) ?? null }),
  remove: ({ type, id }) => ({ removed: listed[type].remove(id) }),
  inject: faults.inject,
  heal: faults.clear,
  requests: () => ({ requests, counts }),
  forget() {
    requests.length = 0
    counts = {}
    return {}
  },
  advance({ milliseconds }) {
    clockOffset += milliseconds
    return {}
  },
}
const tell = answer => process.stdout.write(`${JSON.stringify(answer)}\n`)
const lines = createInterface({ input: process.stdin })
lines.on('line', line => {
  const [name] = line.split(' ', 1)
  try {
    tell(commands[name](JSON.parse(line.slice(name.length) || '{}')))
  } catch (error) {
    tell({ error: error.message })
  }
})
lines.on('close', () => process.exit(0))
const { port } = server.address()
tell({ url: `${tls ? 'https' : 'http'}://localhost:${port}/scim/v2`, port })
