import type { OutboundAccess } from '../calls.ts'
import type { Context } from '../context.ts'
import { nearestName } from '../nearest.ts'
import { isLoopback } from '../network.ts'
import { Problem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import { conflict } from './address.ts'
import { type FlowDefinition, formatFlow, parseFlow } from './definition.ts'
import { compileFlow, type Flow } from './registry.ts'
import type { DeployedFlow, FlowTable } from './store.ts'

type Tables = { flows: FlowTable }

export interface Deployment {
  readonly store: Transactions<Tables>
  /** The names of the roles that exist in the tenant. */
  readonly roles: (tenant: Tenant) => Promise<string[]>
  readonly outbound: Pick<OutboundAccess, 'whyUnusable'>
  readonly context: Context
}

/** Deploys a flow, or replaces the one of the same id. It takes messages from the next request on. */
export async function deployFlow(
  tenant: Tenant,
  input: unknown,
  { store, roles, outbound, context }: Deployment,
): Promise<FlowDefinition | Problem> {
  const definition = parseFlow(input)
  if (definition instanceof Problem) return definition
  const { credential } = definition.receiver
  const unusable = credential === undefined ? undefined : await outbound.whyUnusable(tenant, credential)
  if (unusable)
    return new Problem('invalid_input', `receiver.credential: ${unusable.reason}`, {
      ...(unusable.hint && { hint: unusable.hint }),
    })
  if (credential !== undefined && travelsInClear(definition.receiver.url))
    return new Problem(
      'invalid_input',
      'receiver.url: a credential would travel in clear, write an https address',
      {
        hint: 'Plain http is for receivers on this computer.',
      },
    )
  const deployed: DeployedFlow = {
    tenantId: tenant.id,
    id: definition.id,
    definition: formatFlow(definition),
    deployedAt: context.now(),
  }
  const flow = compileFlow(deployed)
  return store.write(async ({ flows }) => {
    const unknownRole = checkRole(flow, await roles(tenant))
    if (unknownRole) return unknownRole
    const others = (await flows.list(tenant.id)).filter(other => other.id !== definition.id).map(compileFlow)
    const rival = others.find(
      o => o.sender.prefix === flow.sender.prefix && conflict(o.address, flow.address),
    )
    if (rival)
      return new Problem(
        'conflict',
        `address ${definition.sender.address} collides with ${rival.definition.sender.address} of flow ${rival.definition.id}`,
        { hint: 'Addresses are compared without regard to case, and /path/* takes everything below /path/.' },
      )
    await flows.put(deployed)
    return definition
  })
}

export async function undeployFlow(
  tenant: Tenant,
  id: string,
  { store }: Pick<Deployment, 'store'>,
): Promise<undefined | Problem> {
  return store.write(async ({ flows }) => {
    if (!(await flows.find(tenant.id, id)))
      return new Problem('not_found', `there is no flow ${id}`, { hint: 'See `countersign flow list`.' })
    await flows.delete(tenant.id, id)
    return undefined
  })
}

/** The deployed flows with their definitions, by id. */
export async function listFlows(
  tenant: Tenant,
  { store }: Pick<Deployment, 'store'>,
): Promise<(FlowDefinition & { deployedAt: number })[]> {
  const deployed = await store.read.flows.list(tenant.id)
  return deployed.map(flow => ({ ...compileFlow(flow).definition, deployedAt: flow.deployedAt }))
}

/** The ids of the flows that ask for a role. */
export async function flowsAskingFor(
  tenant: Tenant,
  role: string,
  { store }: Pick<Deployment, 'store'>,
): Promise<string[]> {
  const flows = (await store.read.flows.list(tenant.id)).map(compileFlow)
  return flows.filter(flow => flow.authorization.roles.includes(role)).map(flow => flow.definition.id)
}

/** Whoever listens on the way would have the credential. */
function travelsInClear(address: string): boolean {
  const { protocol, hostname } = new URL(address)
  return protocol === 'http:' && hostname !== 'localhost' && !isLoopback(hostname.replace(/^\[|\]$/g, ''))
}

/** Why a credential cannot go: flows call their receivers with it. Its name counts without regard to case. */
export async function neededByFlows(
  tenant: Tenant,
  credential: string,
  { store }: Pick<Deployment, 'store'>,
): Promise<Problem | undefined> {
  const wanted = credential.toLowerCase()
  const flows = await listFlows(tenant, { store })
  const ids = flows
    .filter(({ receiver }) => receiver.credential?.toLowerCase() === wanted)
    .map(({ id }) => id)
  return ids.length === 0
    ? undefined
    : new Problem('conflict', `flow ${ids.slice(0, 10).join(', ')} calls its receiver with ${credential}`, {
        hint: 'Deploy the flow with another credential first.',
      })
}

function checkRole(flow: Flow, existing: readonly string[]): Problem | undefined {
  const missing = flow.authorization.roles.find(role => !existing.includes(role))
  if (missing === undefined) return undefined
  const near = nearestName(missing, existing)
  return new Problem('invalid_input', `there is no role ${missing}${near ? `; did you mean ${near}?` : ''}`, {
    hint: `Create it: countersign role create ${missing}`,
  })
}
