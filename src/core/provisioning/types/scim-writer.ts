import type { SystemCalls } from '../calls.ts'
import { SystemFailure } from '../failure.ts'
import type { SystemAnswer } from '../http.ts'
import { wrongPathId } from '../ids.ts'
import type { OpenedSystem } from '../systems/opened.ts'
import { type EntityType, isList, isObject, type Json, type JsonObject } from '../transformation/index.ts'
import { flag } from './property.ts'
import { csrfGuard } from './scim-csrf.ts'
import { endpoints, objectIn, quoted } from './scim-message.ts'
import type { FoundEntity, Writer } from './type.ts'

/** Creates, changes and deletes (RFC 7644 sections 3.3, 3.5, 3.6), each entity once whatever happens to the answer. */
export function scimWriter(system: OpenedSystem, calls: SystemCalls): Writer {
  const { name, properties } = system
  const contentType = properties['scim.content.type'] ?? 'application/scim+json'
  const patches = flag(properties, 'scim.support.patch.operation', false)
  const ifMatch = flag(properties, 'scim.include.if.match.wildcard.header', false)
    ? { 'if-match': '*' }
    : undefined
  const send = csrfGuard(system, calls)
  const writing = { 'content-type': contentType }

  async function find(type: EntityType, entity: JsonObject): Promise<FoundEntity | undefined> {
    for (const attribute of uniqueAttributes(properties, type)) {
      const value = valueAt(entity, attribute)
      if (value === undefined) continue
      const filter = `${attribute.replace(/\[\d+\]/g, '')} eq ${quoted(value)}`
      const answer = await calls.retrying(() =>
        calls.once({ method: 'GET', path: endpoints[type], query: { filter, startIndex: '1', count: '2' } }),
      )
      const { Resources: found } = objectIn(answer, name, `GET ${endpoints[type]}`)
      const those = (isList(found) ? found : []).filter(isObject)
      if (!those.every(one => mayHave(one, attribute, value)))
        throw new SystemFailure(
          `${name}: GET ${endpoints[type]} gives others than those that are asked for: does it know the filter ${attribute} eq? Nothing was written.`,
        )
      const usableOnes = those.flatMap(document =>
        typeof document.id === 'string'
          ? [
              {
                id: usable(document.id, name, `GET ${endpoints[type]}`),
                createdAt: createdAt(document.meta),
                document,
              },
            ]
          : [],
      )
      if (usableOnes.length > 1)
        throw new SystemFailure(
          `${name}: more than one ${type} has this ${attribute}: which of them is meant? Set scim.${type}.unique.attribute.`,
        )
      if (usableOnes[0]) return usableOnes[0]
    }
    return undefined
  }

  return {
    find,
    create(type, entity) {
      const body = JSON.stringify(entity)
      return calls.retrying(async earlier => {
        // The answer may have been lost after the entity was made.
        const made = earlier?.unsure ? await find(type, entity) : undefined
        if (made) return { id: made.id, found: false, lost: made }
        // Names of groups need not be unique, so that many a server would take a second one (RFC 7643 section 4.2).
        const other = type === 'group' && !earlier ? await find(type, entity) : undefined
        if (other) return { id: other.id, found: true }
        const answer = await send({
          method: 'POST',
          path: endpoints[type],
          body,
          headers: writing,
          expect: [409],
        })
        if (answer.status !== 409) return { id: idIn(answer, name, endpoints[type]), found: false }
        const known = await find(type, entity)
        if (known === undefined) throw conflict(name, type, properties)
        return { id: known.id, found: true }
      })
    },
    async update(type, id, entity) {
      const path = `${endpoints[type]}/${encodeURIComponent(id)}`
      const headers = { ...writing, ...ifMatch }
      const body = JSON.stringify(patches ? patchOf(entity) : entity)
      const { status } = await calls.retrying(() =>
        send({ method: patches ? 'PATCH' : 'PUT', path, body, headers, expect: [404] }),
      )
      return status !== 404
    },
    async delete(type, id) {
      const path = `${endpoints[type]}/${encodeURIComponent(id)}`
      await calls.retrying(() =>
        send({ method: 'DELETE', path, ...(ifMatch && { headers: ifMatch }), expect: [404] }),
      )
    },
    async get(type, id) {
      const path = `${endpoints[type]}/${encodeURIComponent(id)}`
      const answer = await calls.retrying(() => calls.once({ method: 'GET', path, expect: [404] }))
      return answer.status === 404 ? undefined : objectIn(answer, name, `GET ${path}`)
    },
  }
}

/** RFC 7644 section 3.5.2.3: without a path, the value is a set of attributes to replace. */
function patchOf({ id: _, schemas: _s, ...value }: JsonObject): object {
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'replace', value }],
  }
}

/** Of what was made: in the body, or at the end of its Location (RFC 7644 section 3.3). */
function idIn(answer: SystemAnswer, name: string, path: string): string {
  const location = String([answer.headers.location].flat()[0] ?? '')
  const what = `POST ${path}`
  if (answer.body === '' && location !== '')
    return usable(decoded(location.split(/[?#]/)[0]!.split('/').at(-1)!), name, what)
  const { id } = made()
  if (typeof id === 'string') return usable(id, name, what)
  throw new SystemFailure(
    `${name}: ${what} answered ${answer.status} without an id, so that nobody can say what was made`,
    { status: answer.status, unsure: true },
  )

  function made(): JsonObject {
    try {
      return objectIn(answer, name, what)
    } catch (error) {
      // One answer of no sense says nothing about the next one.
      const { message, status } = error as SystemFailure
      throw new SystemFailure(message, { status, senseless: true, unsure: true })
    }
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** An id that the entity can be addressed with. */
function usable(id: string, name: string, what: string): string {
  const wrong = wrongPathId(id)
  if (wrong === undefined) return id
  throw new SystemFailure(`${name}: ${what} gave an id that cannot be used: it ${wrong}`, { unsure: true })
}

const conflict = (name: string, type: EntityType, properties: Readonly<Record<string, string>>) =>
  new SystemFailure(
    `${name}: Entity create failed with "Entity already exists", and none is found by ${uniqueAttributes(properties, type).join(' or ')}: set scim.${type}.unique.attribute`,
    { status: 409 },
  )

const defaults: Readonly<Record<EntityType, string>> = { user: 'userName', group: 'displayName' }

function uniqueAttributes(properties: Readonly<Record<string, string>>, type: EntityType): string[] {
  const given = properties[`scim.${type}.unique.attribute`] ?? defaults[type]
  return given
    .split(',')
    .map(one => one.trim())
    .filter(Boolean)
}

/** Of an attribute such as `emails[0].value`, or one of an extension: `urn:...:User:employeeNumber`. */
function valueAt(entity: JsonObject, attribute: string): string | undefined {
  const colon = attribute.lastIndexOf(':')
  const start = colon < 0 ? entity : entity[attribute.slice(0, colon)]
  let value: Json | undefined = start
  for (const part of attribute
    .slice(colon + 1)
    .split(/\.|\[(\d+)\]\.?/)
    .filter(Boolean)) {
    if (isList(value)) value = value[/^\d+$/.test(part) ? Number(part) : 0]
    if (isObject(value) && !/^\d+$/.test(part)) value = value[part]
  }
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Was this found rightly? What is not shown, or is one of several values, cannot be told. Case may count or not. */
function mayHave(found: JsonObject, attribute: string, wanted: string): boolean {
  if (/[.[]/.test(attribute.slice(attribute.lastIndexOf(':') + 1))) return true
  const value = valueAt(found, attribute)
  return value === undefined || plain(value) === plain(wanted)
}

const plain = (text: string): string => text.normalize('NFKC').toLowerCase().trim()

/** RFC 7643 section 3.1. */
function createdAt(meta: Json | undefined): number | undefined {
  const time = isObject(meta) && typeof meta.created === 'string' ? Date.parse(meta.created) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}
