// SCIM with nothing around it: node:http and the store that the tests use too. Source and target of provisioning.
// Commands: preload, touch, reset, size, requests, forget, each with JSON behind it where it takes any.
import { createStore } from '../../test/interop/programs/scim-store.mjs'
import { listen, ready } from './serve.mjs'

const store = createStore()
const listSchema = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'
const errorSchema = 'urn:ietf:params:scim:api:messages:2.0:Error'
const mostPerPage = 1000

const answer = (response, status, body) => {
  const text = body && Buffer.from(JSON.stringify(body))
  response.writeHead(status, {
    ...(text && { 'Content-Type': 'application/scim+json' }),
    'Content-Length': text?.length ?? 0,
  })
  response.end(text)
}
const refuse = (response, status, detail, scimType) =>
  answer(response, status, {
    schemas: [errorSchema],
    status: String(status),
    detail,
    ...(scimType && { scimType }),
  })

/** The entries that a filter means; undefined: a filter that is not understood. */
const matching = (entries, filter) => {
  if (filter === null) return entries.all()
  const [, attribute, operator, value] = /^([\w.]+) (eq|gt) "([^"\\]*)"$/i.exec(filter) ?? []
  if (attribute === entries.name && operator === 'eq') return entries.named(value)
  if (attribute === 'meta.lastModified' && operator === 'gt') {
    const since = new Date(value).toISOString()
    return entries.all().filter(({ meta }) => meta.lastModified > since)
  }
}

const list = (response, entries, query) => {
  const found = matching(entries, query.get('filter'))
  if (!found) return refuse(response, 400, 'a filter that is not understood', 'invalidFilter')
  const startIndex = Math.max(1, Number(query.get('startIndex') ?? 1))
  const count = Math.min(mostPerPage, Math.max(0, Number(query.get('count') ?? 100)))
  const Resources = found.slice(startIndex - 1, startIndex - 1 + count)
  answer(response, 200, {
    schemas: [listSchema],
    totalResults: found.length,
    startIndex,
    itemsPerPage: Resources.length,
    Resources,
  })
}

const write = (response, status, entries, given, id) => {
  if (typeof given[entries.name] !== 'string')
    return refuse(response, 400, `${entries.name} is missing`, 'invalidValue')
  const stored = entries.put(given, id)
  if (!stored) return refuse(response, 409, `${entries.name} is taken`, 'uniqueness')
  answer(response, status, stored)
}

/** RFC 7644 section 3.5.2, for plain attributes and for members. */
const patched = (resource, { Operations }) => {
  const changed = { ...resource }
  for (const { op, path, value } of Operations) {
    const member = /^members\[value eq "([^"]*)"\]$/.exec(path ?? '')?.[1]
    const kind = op.toLowerCase()
    if (member) changed.members = changed.members?.filter(each => each.value !== member)
    else if (path === undefined) Object.assign(changed, value)
    else if (kind === 'remove') delete changed[path]
    else if (kind === 'add' && Array.isArray(value)) changed[path] = [...(changed[path] ?? []), ...value]
    else changed[path] = value
  }
  return changed
}

const jsonOf = async request => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks))
}

/** Method -> what it does to the entry that is there. */
const methods = {
  GET: (_, response, __, found) => answer(response, 200, found),
  PUT: async (request, response, entries, { id }) => write(response, 200, entries, await jsonOf(request), id),
  PATCH: async (request, response, entries, found) =>
    write(response, 200, entries, patched(found, await jsonOf(request)), found.id),
  DELETE(_, response, entries, { id }) {
    entries.remove(id)
    answer(response, 204)
  },
}

const handle = async (request, response) => {
  const { method, url } = request
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  const [, type, id] = /^\/scim\/v2\/(Users|Groups)(?:\/([^/]+))?$/.exec(pathname) ?? []
  if (!type) return refuse(response, 404, 'there is no such address')
  const entries = store[type]
  if (!id && method === 'GET') return list(response, entries, searchParams)
  if (!id && method === 'POST') return write(response, 201, entries, await jsonOf(request))
  const found = id && entries.get(id)
  if (!found) return refuse(response, 404, `there is no ${id}`)
  return methods[method](request, response, entries, found)
}

/** By method, as the SCIM server of the tests counts them. */
let counts = {}
const requests = () => ({ counts })
const forget = () => {
  counts = {}
  return {}
}

const socket = await listen((request, response) => {
  counts[request.method] = (counts[request.method] ?? 0) + 1
  handle(request, response).catch(error => refuse(response, 400, error.message, 'invalidSyntax'))
})
const { preload, touch, reset, size } = store
ready({ port: socket.port, url: `${socket.url}/scim/v2` }, undefined, {
  ...{ preload, touch, reset, size },
  ...{ requests, forget },
})
