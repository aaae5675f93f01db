import {
  authorizationChecks,
  authorize,
  type Identification,
  identificationChecks,
  identify,
} from '../admission/index.ts'
import type { FlowRegistry } from '../flows/index.ts'
import { senders } from '../flows/index.ts'
import { isProblem, Problem } from '../problem.ts'
import type { Tenant } from '../tenant.ts'
import type { DecisionCheck } from './decision.ts'
import { markChecks } from './record.ts'

/** What would happen, and why. */
export interface Explanation {
  readonly accepted: boolean
  readonly code: string | undefined
  readonly reason: string
  readonly hint: string | undefined
  readonly checks: readonly DecisionCheck[]
  readonly clientId: string | undefined
  readonly instance: string | undefined
  readonly key: string | undefined
  readonly roles: readonly string[]
  readonly flow: string | undefined
}

export interface DryRun extends Identification {
  readonly flows: FlowRegistry
}

/**
 * Runs the checks of a call without the call: is this token accepted, and at `endpoint` (an address such as
 * `/http/orders`, or a whole URL)? Counts no failure, sends no message.
 */
export async function explainToken(
  token: string,
  endpoint: string | undefined,
  tenant: Tenant,
  deps: DryRun,
): Promise<Explanation> {
  const request = { tenant, authorization: `Bearer ${token}`, source: 'dry run' }
  const target = endpoint === undefined ? undefined : await findTarget(endpoint, tenant, deps)
  const procedure = [
    ...(endpoint === undefined ? [] : ['flow deployed']),
    ...identificationChecks(request),
    ...(endpoint === undefined ? [] : authorizationChecks),
  ]
  if (target instanceof Problem) return refusal(target, procedure)
  const caller = await identify(request, deps)
  if (isProblem(caller)) return refusal(caller, procedure)
  const { client } = caller
  const who = {
    clientId: client.clientId,
    instance: client.instanceName,
    key: client.keyName,
    roles: [...caller.roles],
    flow: target?.flow.definition.id,
  }
  const refused = target && authorize(caller, deps.addresses.worker(tenant), target.flow.roles)
  if (refused) return { ...refusal(refused, procedure), ...who }
  return {
    accepted: true,
    code: undefined,
    reason: target ? `flow ${target.flow.definition.id} would take the message` : 'the token is valid',
    hint: undefined,
    checks: markChecks(procedure, undefined),
    ...who,
  }
}

function refusal(problem: Problem, procedure: readonly string[]): Explanation {
  return {
    accepted: false,
    code: problem.code,
    reason: problem.reason,
    hint: problem.hint,
    checks: markChecks(procedure, problem.check),
    clientId: problem.subject.clientId,
    instance: problem.subject.instance,
    key: problem.subject.key,
    roles: [],
    flow: undefined,
  }
}

async function findTarget(endpoint: string, tenant: Tenant, { flows }: DryRun) {
  const path = pathOf(endpoint, tenant)
  const sender = senders.find(s => path.startsWith(`${s.prefix}/`))
  const match = sender && (await flows.find(tenant.id, sender.prefix, path.slice(sender.prefix.length)))
  return (
    match ??
    new Problem('not_found', 'no flow is deployed at this address', {
      check: 'flow deployed',
      reason: `no flow of tenant ${tenant.name} is deployed at ${path}`,
      hint: 'See the addresses in `countersign flow list`.',
    })
  )
}

function pathOf(endpoint: string, tenant: Tenant): string {
  const path = URL.canParse(endpoint) ? new URL(endpoint).pathname : endpoint.replace(/[?#].*$/s, '')
  const own = `/tenants/${tenant.name}`
  return path.startsWith(`${own}/`) ? path.slice(own.length) : path
}
