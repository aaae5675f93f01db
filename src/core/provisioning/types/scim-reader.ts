import { type Context, day } from '../../context.ts'
import type { SystemCalls } from '../calls.ts'
import { SystemFailure } from '../failure.ts'
import type { OpenedSystem } from '../systems/opened.ts'
import { type EntityType, isList, isObject, type JsonObject } from '../transformation/index.ts'
import { numeric } from './property.ts'
import { endpoints, objectIn, quoted } from './scim-message.ts'
import type { ReadEnd } from './type.ts'

/** One answer to a query (RFC 7644 section 3.4.2). */
interface ListAnswer {
  readonly resources: readonly JsonObject[]
  readonly total: number
  readonly startIndex: number | undefined
  /** Milliseconds, of its clock, when it had not looked yet; undefined: it did not say, or nothing to be believed. */
  readonly date: number | undefined
}

const second = 1000
/** Of a system that gives more than it is asked for, the rest comes afterwards. */
const mostAtOnce = 1000
/** A clock that is further ahead is wrong: a delta read from there would find nothing. */
const mostAheadMs = day

/** Reads users and groups page by page, and believes a system only what adds up. */
export function scimReader(
  { name, properties }: OpenedSystem,
  calls: SystemCalls,
  context: Pick<Context, 'now'>,
) {
  const pageSize = numeric(properties, 'scim.page.size', 200)

  function query(type: EntityType, since: string | undefined, startIndex: number, count: number) {
    const own = properties[`scim.${type}.filter`]
    const changed = since === undefined ? undefined : `meta.lastModified gt ${quoted(since)}`
    const filter = own && changed ? `(${own}) and ${changed}` : (own ?? changed)
    const members = properties['scim.group.members.additional.attributes']
    return {
      startIndex: String(startIndex),
      count: String(count),
      ...(filter && { filter }),
      ...(type === 'group' && members && { attributes: groupAttributes(members) }),
    }
  }

  async function ask(
    type: EntityType,
    since: string | undefined,
    startIndex: number,
    count: number,
  ): Promise<ListAnswer> {
    const path = endpoints[type]
    const began = context.now()
    const answer = await calls.retrying(() =>
      calls.once({ method: 'GET', path, query: query(type, since, startIndex, count) }),
    )
    const body = objectIn(answer, name, `GET ${path}`)
    const { totalResults: total, startIndex: said } = body
    const resources = body.Resources ?? []
    if (!Number.isSafeInteger(total) || !isList(resources) || !resources.every(isObject))
      throw wrongPaging(name, `GET ${path} did not answer with a list (totalResults and Resources)`)
    const now = context.now()
    const date = Date.parse(String(answer.headers.date ?? ''))
    const isDate = date < now + mostAheadMs
    return {
      resources: resources as JsonObject[],
      total: total as number,
      startIndex: typeof said === 'number' ? said : undefined,
      // What changed while it looked, or later in the same second, is not in the answer.
      date: isDate ? date - (now - began) - second : undefined,
    }
  }

  async function* read(
    type: EntityType,
    since: string | undefined,
  ): AsyncGenerator<readonly JsonObject[], ReadEnd> {
    const path = endpoints[type]
    const known = new Set<string>()
    let doubt: string | undefined
    let asOf: string | undefined
    let got = 0
    let first: number | undefined
    for (;;) {
      const { resources, total, startIndex, date } = await ask(type, since, got + 1, pageSize)
      if (first === undefined) {
        first = total
        if (date !== undefined) asOf = new Date(date).toISOString()
      } else if (total !== first)
        doubt = `${name} changed while it was read (GET ${path}: first ${first}, then ${total} results), so that some may have been missed`
      if (startIndex !== undefined && startIndex !== got + 1 && resources.length > 0)
        throw wrongPaging(
          name,
          `GET ${path} was asked from ${got + 1} on, and answered from ${startIndex} on`,
        )
      const fresh = resources.filter(resource => isNew(resource, known))
      if (resources.length > 0 && fresh.length === 0)
        throw wrongPaging(name, `GET ${path} gave from ${got + 1} on what it had given before`)
      if (fresh.length < resources.length && doubt === undefined)
        doubt = `${name} repeats ids from page to page (GET ${path}, from ${got + 1} on), so that others may be missing`
      got += resources.length
      for (let at = 0; at < fresh.length; at += mostAtOnce) yield fresh.slice(at, at + mostAtOnce)
      if (got > total && doubt === undefined)
        doubt = `${name} gave more than it says that there are (GET ${path}: ${got} of ${total}), so that its count cannot be relied on`
      if (got >= total) return { doubt, asOf }
      if (resources.length === 0)
        throw wrongPaging(name, `GET ${path} says that there are ${total}, and gave only ${got}`)
    }
  }

  return {
    read,
    /** Within the own filter, where there is one: what it does not let through is not read either. */
    async readOne(type: EntityType, id: string): Promise<JsonObject | undefined> {
      const own = properties[`scim.${type}.filter`]
      const path = endpoints[type]
      if (own === undefined) {
        const one = `${path}/${encodeURIComponent(id)}`
        const answer = await calls.retrying(() => calls.once({ method: 'GET', path: one, expect: [404] }))
        return answer.status === 404 ? undefined : objectIn(answer, name, `GET ${one}`)
      }
      const filter = `(${own}) and id eq ${quoted(id)}`
      const answer = await calls.retrying(() =>
        calls.once({ method: 'GET', path, query: { filter, startIndex: '1', count: '2' } }),
      )
      const { Resources: found } = objectIn(answer, name, `GET ${path}`)
      return (isList(found) ? found : []).filter(isObject).find(one => one.id === id)
    },
    async check(): Promise<string> {
      const { total } = await ask('user', undefined, 1, 1)
      return `GET ${properties.URL}${endpoints.user} answers: ${total} users`
    },
  }
}

/** An entity without an id is told of elsewhere. */
function isNew({ id }: JsonObject, known: Set<string>): boolean {
  if (typeof id !== 'string') return true
  if (known.has(id)) return false
  known.add(id)
  return true
}

const wrongPaging = (name: string, says: string): SystemFailure =>
  new SystemFailure(
    `${name}: ${says}. What was read stands; nothing is deleted. Is scim.page.size larger than the system allows?`,
  )

/** Asked for by name, everything else has to be named too. */
const groupAttributes = (members: string): string =>
  ['displayName', 'externalId', 'meta', ...members.split(',').map(one => `members.${one.trim()}`)].join(',')
