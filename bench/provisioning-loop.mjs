// What provisioning is measured against: a straight loop that copies one SCIM server to another. It keeps nothing but
// which id of the source became which of the target, retries nothing and remembers nothing.
//   node bench/provisioning-loop.mjs '{"source":"http://.../scim/v2","target":"http://.../scim/v2"}'
// Prints one line of JSON: entities, seconds, perSecond, cpuSeconds, megabytes (peak resident memory).
import { createRequire } from 'node:module'

// The product's own, not the one that a peer brought along.
const { Agent } = createRequire(new URL('../package.json', import.meta.url))('undici')

const { source, target, count = 200, inFlight = 16 } = JSON.parse(process.argv[2])
const agent = new Agent({ connections: inFlight, pipelining: 1 })
const headers = { 'content-type': 'application/scim+json', accept: 'application/scim+json' }

const call = async (base, method, path, body) => {
  const { origin, pathname } = new URL(base)
  const answer = await agent.request({ origin, path: `${pathname}${path}`, method, headers, body })
  if (answer.statusCode > 299)
    throw new Error(`${method} ${path}: ${answer.statusCode} ${await answer.body.text()}`)
  return answer.body.json()
}

/** Every entry, page by page; the next page is asked for while this one is written. */
async function* entriesOf(type) {
  const read = startIndex => call(source, 'GET', `/${type}?startIndex=${startIndex}&count=${count}`)
  let ahead = read(1)
  for (let seen = 0; ; ) {
    const { Resources, totalResults } = await ahead
    seen += Resources.length
    const more = seen < totalResults && Resources.length > 0
    if (more) {
      ahead = read(seen + 1)
      ahead.catch(() => {})
    }
    yield* Resources
    if (!more) return
  }
}

/** Writes all entries, so many at a time. */
const copy = async (type, change, written) => {
  const entries = entriesOf(type)
  let entities = 0
  const work = async () => {
    for (;;) {
      const { value, done } = await entries.next()
      if (done) return
      const created = await call(target, 'POST', `/${type}`, JSON.stringify(change(value)))
      written(value, created)
      entities++
    }
  }
  await Promise.all(Array.from({ length: inFlight }, work))
  return entities
}

const targetIds = new Map()
const without = ({ id, meta, ...rest }) => rest
const begun = performance.now()
const users = await copy('Users', without, (from, to) => targetIds.set(from.id, to.id))
const groups = await copy(
  'Groups',
  group => ({
    ...without(group),
    members: group.members?.map(member => ({ ...member, value: targetIds.get(member.value) })),
  }),
  () => {},
)
const seconds = (performance.now() - begun) / 1000
const { user, system } = process.cpuUsage()
const megabytes = process.resourceUsage().maxRSS / 1024
const entities = users + groups
const figures = { entities, users, groups, seconds, perSecond: entities / seconds }
console.log(JSON.stringify({ ...figures, cpuSeconds: (user + system) / 1e6, megabytes }))
await agent.close()
