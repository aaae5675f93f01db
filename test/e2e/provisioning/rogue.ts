import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

type Row = Record<string, unknown>

/** What a request gets instead of the usual answer; false: the usual one. */
type Instead = (request: IncomingMessage, response: ServerResponse, body: string) => boolean | undefined

/** A SCIM server of no manners: what it tells, and takes, is up to the test. */
export interface Rogue {
  readonly url: string
  users: Row[]
  groups: Row[]
  /** `METHOD path`, in order. */
  readonly requests: string[]
  /** Authorization headers, in order. */
  readonly authorizations: (string | undefined)[]
  instead: Instead
  /** Ids of what is created. */
  newId: () => string
  close(): Promise<void>
}

export async function startRogue(): Promise<Rogue> {
  let count = 0
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', part => parts.push(part))
    request.on('end', () => {
      rogue.requests.push(`${request.method} ${decodeURIComponent(request.url!)}`)
      rogue.authorizations.push(request.headers.authorization)
      const body = Buffer.concat(parts).toString()
      if (!rogue.instead(request, response, body)) usual(request, response, body)
    })
  })
  const rogue: Rogue = {
    url: '',
    users: [],
    groups: [],
    requests: [],
    authorizations: [],
    instead: () => false,
    newId: () => `id-${++count}`,
    async close() {
      server.closeAllConnections()
      await new Promise(done => server.close(done))
    },
  }

  function usual({ method, url }: IncomingMessage, response: ServerResponse, body: string) {
    const { pathname, searchParams } = new URL(url!, 'http://localhost')
    const rows = pathname.startsWith('/Groups') ? rogue.groups : rogue.users
    const id = decodeURIComponent(pathname.split('/')[2] ?? '')
    const answer = (status: number, value?: object): void => {
      response.writeHead(status, { 'content-type': 'application/scim+json' })
      response.end(value && JSON.stringify(value))
    }
    const at = rows.findIndex(row => row.id === id)
    if (method === 'GET' && id === '') {
      const [, attribute, wanted] = /^(\w+) eq (".*")$/.exec(searchParams.get('filter') ?? '') ?? []
      const found = attribute ? rows.filter(row => row[attribute] === JSON.parse(wanted!)) : rows
      const start = Number(searchParams.get('startIndex') ?? 1)
      const Resources = found.slice(start - 1, start - 1 + Number(searchParams.get('count') ?? 200))
      return answer(200, { totalResults: found.length, startIndex: start, Resources })
    }
    if (method === 'POST') {
      const made = JSON.parse(body)
      if (made.userName && rows.some(row => row.userName === made.userName)) return answer(409, {})
      const row = { ...made, id: rogue.newId() }
      rows.push(row)
      return answer(201, row)
    }
    if (at < 0) return answer(404, {})
    if (method === 'DELETE') rows.splice(at, 1)
    if (method === 'PUT') rows[at] = { ...JSON.parse(body), id }
    answer(method === 'DELETE' ? 204 : 200, rows[at] ?? {})
  }

  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return Object.assign(rogue, { url: `http://localhost:${(server.address() as AddressInfo).port}` })
}
