import type { PresentedCertificate } from '../../guard/presented-certificate.ts'
import {
  type Identification,
  identificationChecks,
  identify,
  type ResourceRequest,
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

/** What a sender would show: a token, or its certificate with the others that it sends. */
export type TriedCredential = { readonly token: string } | { readonly certificate: PresentedCertificate }

/**
 * Runs the checks of a call without the call: is this credential accepted, and at `endpoint` (an address such as
 * `/http/orders`, or a whole URL)? Counts no failure, sends no message, changes nothing.
 */
export async function explainCredential(
  tried: TriedCredential,
  endpoint: string | undefined,
  tenant: Tenant,
  deps: DryRun,
): Promise<Explanation> {
  const request: ResourceRequest = {
    tenant,
    source: 'dry run',
    dryRun: true,
    ...('token' in tried
      ? { authorization: `Bearer ${tried.token}` }
      : { authorization: undefined, certificate: tried.certificate }),
  }
  if (endpoint === undefined) return explainCaller(request, deps)
  const target = await findTarget(endpoint, tenant, deps)
  if (isProblem(target)) return refusal(target, ['flow deployed'])
  const { authorization, definition } = target.flow
  const procedure = ['flow deployed', ...authorization.checks(request)]
  const admitted = await authorization.admit(request, deps)
  const flow = definition.id
  if (isProblem(admitted)) return { ...refusal(admitted, procedure), flow }
  const { subject } = admitted
  return {
    accepted: true,
    code: undefined,
    reason: `flow ${flow} would take the message`,
    hint: undefined,
    checks: markChecks(procedure, undefined),
    clientId: subject.clientId ?? admitted.name,
    instance: subject.instance,
    key: subject.key,
    roles: [...admitted.roles],
    flow,
  }
}

async function explainCaller(request: ResourceRequest, deps: DryRun): Promise<Explanation> {
  const procedure = identificationChecks(request)
  const caller = await identify(request, deps)
  if (isProblem(caller)) return refusal(caller, procedure)
  const { client } = caller
  return {
    accepted: true,
    code: undefined,
    reason: `the ${caller.by} is valid`,
    hint: undefined,
    checks: markChecks(procedure, undefined),
    clientId: client.clientId,
    instance: client.instanceName,
    key: client.keyName,
    roles: [...caller.roles],
    flow: undefined,
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
