import { Problem } from '../problem.ts'
import type { ChangeFeed } from '../store.ts'
import { type Address, buildRoutes, parseAddress } from './address.ts'
import { type Authorization, compileAuthorization } from './authorizations/index.ts'
import { type FlowDefinition, parseFlow } from './definition.ts'
import { allowedHeaderSet } from './headers.ts'
import { findSender, type SenderAdapter } from './senders/index.ts'
import { compileSteps, type Exchange } from './steps/index.ts'
import type { DeployedFlow, FlowTable } from './store.ts'

/** A flow ready to take messages: everything that can be worked out once is. */
export interface Flow {
  readonly tenantId: string
  readonly definition: FlowDefinition
  readonly sender: SenderAdapter
  readonly address: Address
  readonly authorization: Authorization
  readonly allowedHeaders: ReadonlySet<string>
  readonly maxBodyBytes: number
  readonly steps: (exchange: Exchange) => Exchange
  readonly receiver: {
    readonly origin: string
    readonly path: string
    readonly query: string
    readonly timeoutMs: number
  }
}

export interface FlowMatch {
  readonly flow: Flow
  /** What the `*` of a prefix address stands for. */
  readonly rest: string
}

export interface FlowRegistry {
  /** The flow at `path`, the part of the address after the sender's prefix. */
  find(tenantId: string, prefix: string, path: string): FlowMatch | undefined | Promise<FlowMatch | undefined>
}

type TenantRoutes = ReadonlyMap<string, { find(path: string): FlowMatch | undefined }>

/** The deployed flows of all tenants, in memory, re-read when one of them changes. */
export function createFlowRegistry(table: FlowTable, changes: ChangeFeed): FlowRegistry {
  const byTenant = new Map<string, TenantRoutes>()
  let epoch = 0
  changes.onChange(change => {
    if (change && change.kind !== 'flow' && change.kind !== 'tenant') return
    epoch++
    if (change) byTenant.delete(change.tenantId)
    else byTenant.clear()
  })

  async function load(tenantId: string): Promise<TenantRoutes> {
    const started = epoch
    const routes = routesOf((await table.list(tenantId)).map(compileFlow))
    if (started === epoch) byTenant.set(tenantId, routes)
    return routes
  }

  return {
    find(tenantId, prefix, path) {
      const routes = byTenant.get(tenantId)
      if (routes) return routes.get(prefix)?.find(path)
      return load(tenantId).then(loaded => loaded.get(prefix)?.find(path))
    },
  }
}

function routesOf(flows: readonly Flow[]): TenantRoutes {
  const prefixes = new Set(flows.map(flow => flow.sender.prefix))
  return new Map(
    [...prefixes].map(prefix => [prefix, buildRoutes(flows.filter(flow => flow.sender.prefix === prefix))]),
  )
}

/** Makes a stored flow ready. What is stored was checked, so anything wrong here is a broken store. */
export function compileFlow({ tenantId, id, definition: stored }: DeployedFlow): Flow {
  const definition = parseFlow(JSON.parse(stored))
  if (definition instanceof Problem)
    throw new Error(`stored flow ${id} is not valid: ${definition.description}`)
  const address = parseAddress(definition.sender.address)
  if (address instanceof Problem) throw new Error(`stored flow ${id} has a bad address`)
  const url = new URL(definition.receiver.url)
  return {
    tenantId,
    definition,
    sender: findSender(definition.sender.adapter)!,
    address,
    authorization: compileAuthorization(definition.sender.authorization, definition.node),
    allowedHeaders: allowedHeaderSet(definition.sender.allowedHeaders),
    maxBodyBytes: definition.sender.maxBodyMB * 1024 * 1024,
    steps: compileSteps(definition.steps),
    receiver: {
      origin: url.origin,
      path: url.pathname,
      query: url.search.slice(1),
      timeoutMs: definition.receiver.timeoutSeconds * 1000,
    },
  }
}
