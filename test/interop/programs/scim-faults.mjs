// Ways in which a SCIM server disappoints. A fault waits for requests that it is meant for, and is used up by them.

const writes = ['POST', 'PUT', 'PATCH', 'DELETE']

const meant = ({ on = 'any', type }, { method, path }) =>
  (on === 'any' || on === (writes.includes(method) ? 'write' : 'read')) &&
  (type === undefined || path.includes(`/${type}`))

/** Changes the answer to a list request on its way out. */
const rewriting = change => (fault, _, response, next) => {
  const send = response.send.bind(response)
  response.send = body => send(Array.isArray(body?.Resources) ? change(body, fault) : body)
  next()
}

/** Kind -> what it does instead of, or with, the answer. */
const kinds = {
  /** Answers `status`, with `retryAfter` (s or an HTTP date) where given. Nothing is done. */
  status({ status, retryAfter }, _, response) {
    if (retryAfter !== undefined) response.setHeader('Retry-After', String(retryAfter))
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:Error']
    response.status(status).type('application/scim+json')
    response.end(JSON.stringify({ schemas, status: String(status), detail: `fault ${status}` }))
  },
  /** A page for people with status `status`, as proxies and login pages send it. Nothing is done. */
  html({ status = 200 }, _, response) {
    response.status(status).type('html').end('<!doctype html><title>Sign in</title><p>Please sign in.')
  },
  /** The connection breaks before anything is done. */
  drop(_, request) {
    request.socket.destroy()
  },
  /** Never answers. */
  silence() {},
  /** All is done as asked, and the connection breaks before the answer. */
  loseAnswer(_, request, response, next) {
    response.send = () => {
      request.socket.destroy()
      return response
    }
    next()
  },
  /** A page without entries, while totalResults says that there are more. */
  emptyPage: rewriting(body => ({ ...body, Resources: [], itemsPerPage: 0 })),
  /** The first page again, whatever startIndex says. */
  samePage(_, request, __, next) {
    request.paging = { startIndex: 1 }
    next()
  },
  /** totalResults is `total`. */
  wrongTotal: rewriting((body, { total }) => ({ ...body, totalResults: total })),
  /** The first entry of the page stands at its end once more, in place of the last. */
  repeatedId: rewriting(body => ({
    ...body,
    Resources: [...body.Resources.slice(0, -1), body.Resources[0]],
  })),
}

/**
 * A middleware for express and the list of faults to come. A fault is `{ kind, times = 1, after = 0, on: 'write' | 'read'
 * | 'any', type: 'Users' | 'Groups', ...details of the kind }`: the first `after` requests that it is meant for pass.
 */
export const createFaults = () => {
  let waiting = []
  return {
    inject(fault) {
      if (!Object.hasOwn(kinds, fault.kind)) throw new Error(`there is no fault ${fault.kind}`)
      waiting.push({ times: 1, after: 0, ...fault })
      return { waiting: waiting.length }
    },
    clear() {
      waiting = []
      return { waiting: 0 }
    },
    middleware(request, response, next) {
      const due = waiting.find(fault => meant(fault, request) && fault.after-- <= 0)
      if (!due) return next()
      due.times--
      waiting = waiting.filter(({ times }) => times > 0)
      kinds[due.kind](due, request, response, next)
    },
  }
}
