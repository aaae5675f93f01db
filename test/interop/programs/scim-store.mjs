// Users and groups in memory, as the SCIM servers of the tests and of the benchmarks keep them (RFC 7643).
import { randomUUID } from 'node:crypto'

export const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const groupSchema = 'urn:ietf:params:scim:schemas:core:2.0:Group'
export const enterpriseSchema = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

/** Type -> its schema and the attribute that it is looked up by; `unique`: no two may have the same. */
const types = {
  Users: { resourceType: 'User', schema: userSchema, name: 'userName', unique: true },
  Groups: { resourceType: 'Group', schema: groupSchema, name: 'displayName', unique: false },
}

const key = text => String(text).toLowerCase()
const number = (n, digits) => String(n).padStart(digits, '0')

/** User number `n`, as it comes from its creator. */
export const userOf = n => ({
  schemas: [userSchema, enterpriseSchema],
  userName: `user${number(n, 6)}`,
  externalId: `e${n}`,
  displayName: `User Number ${n}`,
  name: { givenName: 'User', familyName: `Number ${n}` },
  emails: [{ value: `user${number(n, 6)}@example.com`, type: 'work', primary: true }],
  active: true,
  [enterpriseSchema]: { employeeNumber: String(n), department: `Department ${n % 100}` },
})

const collection = ({ resourceType, schema, name, unique }, now) => {
  const byId = new Map()
  const byName = new Map()
  let ordered
  const unname = resource => {
    const same = byName.get(key(resource[name]))
    same?.delete(resource.id)
    if (same?.size === 0) byName.delete(key(resource[name]))
  }
  const named = value => [...(byName.get(key(value)) ?? [])].map(id => byId.get(id))
  return {
    name,
    get: id => byId.get(id),
    named,
    /** All, in the order in which they came. */
    all: () => {
      ordered ??= [...byId.values()]
      return ordered
    },
    /** Creates, or replaces where `id` is given. Undefined: the name is another's. */
    put(given, id = randomUUID()) {
      const old = byId.get(id)
      if (unique && named(given[name]).some(other => other.id !== id)) return undefined
      const at = now().toISOString()
      const meta = { resourceType, created: old?.meta.created ?? at, lastModified: at }
      const resource = { schemas: [schema], ...given, id, meta }
      if (old) unname(old)
      byId.set(id, resource)
      const same = byName.get(key(given[name])) ?? new Set()
      byName.set(key(given[name]), same.add(id))
      ordered = undefined
      return resource
    },
    remove(id) {
      const old = byId.get(id)
      if (!old) return false
      unname(old)
      ordered = undefined
      return byId.delete(id)
    },
    clear() {
      byId.clear()
      byName.clear()
      ordered = undefined
    },
  }
}

/** An empty store; `now` gives a Date. */
export const createStore = (now = () => new Date()) => {
  const Users = collection(types.Users, now)
  const Groups = collection(types.Groups, now)
  const store = {
    Users,
    Groups,
    /** Replaces everything by so many numbered users, and groups with so many members each. */
    preload({ users = 0, groups = 0, members = 0 }) {
      store.reset()
      for (let n = 1; n <= users; n++) Users.put(userOf(n))
      const all = Users.all()
      for (let n = 1; n <= groups; n++) {
        const of = Array.from({ length: Math.min(members, users) }, (_, i) => {
          const { id, displayName } = all[((n - 1) * members + i) % users]
          return { value: id, display: displayName, type: 'User' }
        })
        Groups.put({ schemas: [groupSchema], displayName: `group${number(n, 4)}`, members: of })
      }
      return store.size()
    },
    /** Changes one of so many users, the first one first: another title, and so another meta.lastModified. */
    touch({ oneOf = 100, title = 'Changed' } = {}) {
      const chosen = Users.all().filter((_, i) => i % oneOf === 0)
      for (const user of chosen) Users.put({ ...user, title }, user.id)
      return { touched: chosen.length }
    },
    reset() {
      Users.clear()
      Groups.clear()
      return store.size()
    },
    size: () => ({ users: Users.all().length, groups: Groups.all().length }),
  }
  return store
}
