import type { ChangeFeed } from '../store.ts'
import { type ClaimPath, claimPath } from './claim-path.ts'
import type {
  ContainerKind,
  EntityKind,
  IdentityTable,
  Membership,
  MemberType,
  StoredEntity,
} from './store.ts'

/** Everything that the identity service of a tenant knows, in memory: asked with every request, changed seldom. */
export interface IdentityModel {
  /** Counts up with each change. */
  readonly version: number
  entity(kind: EntityKind, id: string): StoredEntity | undefined
  all(kind: EntityKind): IterableIterator<StoredEntity>
  /** What somebody is a member of. */
  containersOf(member: MemberType, id: string, container: ContainerKind): ReadonlySet<string>
  /** Who is a member of it. */
  membersOf(container: ContainerKind, id: string, member: MemberType): ReadonlySet<string>
  /** Ids of the mapping rules that claims fulfil. Costs as much as there are different claims, not rules. */
  rulesFor(claims: unknown): string[]
  /** Keys of the authorizations of an owner. */
  authorizationsOf(ownerType: string, ownerId: string): ReadonlySet<string>
  /** Ids of the clients that are members or owners of something. */
  clients(): IterableIterator<string>
  /** What a client is a member of, and the authorizations that it owns. */
  placesOf(clientId: string): Place[]
}

/** An entity, by its name. */
export type Place = Pick<StoredEntity, 'kind' | 'id'>

/** The models of all tenants: read on first use, and kept current by what changes announce. */
export interface IdentityModels {
  /** Never older than what this process has heard of. */
  of(tenantId: string): IdentityModel | Promise<IdentityModel>
}

export function createIdentityModels(table: IdentityTable, changes: ChangeFeed): IdentityModels {
  const kept = new Map<string, Kept>()
  // One count for all: a model that was read anew must not look like the one before it.
  let version = 0
  const next = () => ++version

  changes.onChange(change => {
    if (!change) kept.clear()
    else if (change.kind === 'tenant') kept.delete(change.tenantId)
    else if (change.kind === 'identity' && change.detail !== 'session')
      kept.get(change.tenantId)?.stale.set(`${change.detail} ${change.id}`, {
        what: change.detail ?? '',
        id: change.id,
      })
  })

  async function load(tenantId: string): Promise<IdentityModel> {
    const mine: Kept = { model: createModel(next), stale: new Map(), reading: undefined }
    // From now on changes are noted, so that what is read before them is read again.
    kept.set(tenantId, mine)
    mine.reading = (async () => {
      for (const entity of await table.entities(tenantId)) mine.model.put(entity)
      for (const membership of await table.memberships(tenantId)) mine.model.add(membership)
      return refresh(tenantId, mine)
    })()
    try {
      return await mine.reading
    } catch (error) {
      if (kept.get(tenantId) === mine) kept.delete(tenantId)
      throw error
    }
  }

  /** Reads what has changed, until nothing has. */
  async function refresh(tenantId: string, mine: Kept): Promise<IdentityModel> {
    const { model, stale } = mine
    try {
      // Also what is announced meanwhile, be it the same once more.
      for (const [key, changed] of stale) {
        stale.delete(key)
        try {
          await readAgain(tenantId, changed.what, changed.id, model)
        } catch (error) {
          stale.set(key, changed)
          throw error
        }
      }
      return model
    } finally {
      // In the same turn as the last look at what is stale: whoever asks after it looks again.
      mine.reading = undefined
    }
  }

  async function readAgain(tenantId: string, what: string, id: string, model: ChangingModel): Promise<void> {
    if (what === 'membership') {
      const [container, containerId, member, memberId] = JSON.parse(id)
      const membership: Membership = { tenantId, container, containerId, member, memberId }
      if (await table.has(membership)) model.add(membership)
      else model.remove(membership)
      return
    }
    const kind = what as EntityKind
    const entity = await table.find(tenantId, kind, id)
    if (entity) model.put(entity)
    else model.delete(kind, id)
  }

  return {
    of(tenantId) {
      const mine = kept.get(tenantId)
      if (!mine) return load(tenantId)
      if (mine.reading) return mine.reading
      if (mine.stale.size === 0) return mine.model
      const reading = refresh(tenantId, mine)
      mine.reading = reading
      return reading
    },
  }
}

interface Kept {
  readonly model: ChangingModel
  readonly stale: Map<string, { readonly what: string; readonly id: string }>
  reading: Promise<IdentityModel> | undefined
}

interface ChangingModel extends IdentityModel {
  put(entity: StoredEntity): void
  delete(kind: EntityKind, id: string): void
  add(membership: Membership): void
  remove(membership: Membership): void
}

const nobody: ReadonlySet<string> = new Set()

interface Rules {
  readonly path: ClaimPath
  /** Value -> ids of the rules. */
  readonly byValue: Map<string, Set<string>>
}

/** `next` counts changes. */
function createModel(next: () => number): ChangingModel {
  const entities = new Map<EntityKind, Map<string, StoredEntity>>()
  const containers = new Map<string, Set<string>>()
  const members = new Map<string, Set<string>>()
  const rules = new Map<string, Rules>()
  const owned = new Map<string, Set<string>>()
  /** Client id -> the places where it is named. */
  const clients = new Map<string, Set<string>>()
  let version = next()

  const ofKind = (kind: EntityKind) => {
    const known = entities.get(kind) ?? new Map<string, StoredEntity>()
    entities.set(kind, known)
    return known
  }

  /** What is found by its content rather than by its id. */
  function index(
    { kind, id, content }: StoredEntity,
    into: (sets: Map<string, Set<string>>, key: string, value: string) => void,
  ) {
    if (kind === 'authorization') {
      into(owned, keyOf(String(content.ownerType), String(content.ownerId)), id)
      if (content.ownerType === 'CLIENT') into(clients, String(content.ownerId), keyOf(kind, id))
    }
    if (kind !== 'mapping-rule') return
    const name = String(content.claimName)
    const path = rules.get(name)?.path ?? claimPath(name)
    if (!path) return
    const known = rules.get(name) ?? { path, byValue: new Map() }
    rules.set(name, known)
    into(known.byValue, String(content.claimValue), id)
    if (known.byValue.size === 0) rules.delete(name)
  }

  function forget(kind: EntityKind, id: string): void {
    const before = ofKind(kind).get(id)
    if (before) index(before, take)
    ofKind(kind).delete(id)
  }

  return {
    get version() {
      return version
    },
    entity: (kind, id) => entities.get(kind)?.get(id),
    all: kind => ofKind(kind).values(),
    containersOf: (member, id, container) => containers.get(keyOf(container, member, id)) ?? nobody,
    membersOf: (container, id, member) => members.get(keyOf(container, id, member)) ?? nobody,
    rulesFor: claims =>
      [...rules.values()].flatMap(({ path, byValue }) =>
        path.values(claims).flatMap(value => [...(byValue.get(value) ?? nobody)]),
      ),
    authorizationsOf: (ownerType, ownerId) => owned.get(keyOf(ownerType, ownerId)) ?? nobody,
    clients: () => clients.keys(),
    placesOf: clientId =>
      [...(clients.get(clientId) ?? nobody)].map(key => {
        const [kind, id] = JSON.parse(key)
        return { kind, id }
      }),
    put(entity) {
      version = next()
      forget(entity.kind, entity.id)
      ofKind(entity.kind).set(entity.id, entity)
      index(entity, give)
    },
    delete(kind, id) {
      version = next()
      forget(kind, id)
    },
    add({ container, containerId, member, memberId }) {
      version = next()
      give(containers, keyOf(container, member, memberId), containerId)
      give(members, keyOf(container, containerId, member), memberId)
      if (member === 'client') give(clients, memberId, keyOf(container, containerId))
    },
    remove({ container, containerId, member, memberId }) {
      version = next()
      take(containers, keyOf(container, member, memberId), containerId)
      take(members, keyOf(container, containerId, member), memberId)
      if (member === 'client') take(clients, memberId, keyOf(container, containerId))
    },
  }
}

const keyOf = (...parts: string[]): string => JSON.stringify(parts)

function give(sets: Map<string, Set<string>>, key: string, value: string): void {
  const known = sets.get(key)
  if (known) known.add(value)
  else sets.set(key, new Set([value]))
}

function take(sets: Map<string, Set<string>>, key: string, value: string): void {
  const known = sets.get(key)
  known?.delete(value)
  if (known?.size === 0) sets.delete(key)
}
