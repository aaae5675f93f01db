import { z } from 'zod'
import { listRoles } from '../../../core/broker/index.ts'
import type { DecisionRecord } from '../../../core/explain/index.ts'
import { explainCredential, type TriedCredential } from '../../../core/explain/index.ts'
import {
  deployFlow,
  type FlowDefinition,
  findSender,
  listFlows,
  type Message,
  undeployFlow,
} from '../../../core/flows/index.ts'
import { isProblem, Problem } from '../../../core/problem.ts'
import type { Tenant } from '../../../core/tenant.ts'
import type { Services } from '../services.ts'
import { readPresented } from './presented.ts'
import { type AdminRoute, route } from './route.ts'
import { checkAnswer, iso, limitQuery, time } from './schemas.ts'

const flowAnswer = z.looseObject({ id: z.string(), name: z.string(), node: z.string(), deployedAt: time })

const messageAnswer = z.looseObject({
  id: z.string(),
  flow: z.string(),
  status: z.enum(['COMPLETED', 'FAILED']),
  startedAt: time,
  endedAt: time,
  sender: z.string(),
  correlationId: z.string(),
})

const decisionAnswer = z.looseObject({
  id: z.string(),
  at: time,
  code: z.string(),
  reason: z.string(),
  checks: z.array(checkAnswer),
})

const endpoint = z.string().optional()
const triedBody = z.union(
  [
    z.strictObject({ token: z.string(), endpoint }),
    z.strictObject({
      certificate: z
        .string()
        .meta({ description: 'PEM: the certificate of the sender first, then those that it sends along' }),
      endpoint,
    }),
  ],
  { error: 'give a token or a certificate, and an endpoint if one is meant' },
)

const ofId = z.object({ id: z.string() })

export const flowRoutes: readonly AdminRoute[] = [
  route({
    method: 'GET',
    path: '/flows',
    summary: 'List the deployed integration flows',
    roles: ['MonitoringDataRead', 'WorkspaceArtifactsDeploy'],
    answer: z.object({ flows: z.array(flowAnswer) }),
    handle: async ({ tenant }, services) => ({
      flows: (await listFlows(tenant, services)).map(({ warnings: _, deployedAt, ...flow }) => ({
        ...flow,
        endpoint: endpointOf(flow, tenant, services),
        deployedAt: iso(deployedAt),
      })),
    }),
  }),
  route({
    method: 'POST',
    path: '/flows',
    summary: 'Deploy an integration flow, or replace the one of the same id',
    roles: ['WorkspaceArtifactsDeploy'],
    body: z.record(z.string(), z.unknown()).meta({ description: 'A flow file, as JSON' }),
    answer: z.object({ id: z.string(), endpoint: z.string(), warnings: z.array(z.string()) }),
    status: 201,
    async handle({ tenant, body }, services) {
      const { store, outbound, context } = services
      const roles = async () => (await listRoles(tenant, store)).map(role => role.name)
      const flow = await deployFlow(tenant, body, { store, outbound, context, roles })
      if (isProblem(flow)) return flow
      const endpoint = endpointOf(flow, tenant, services)
      return { id: flow.id, endpoint, warnings: flow.warnings }
    },
  }),
  route({
    method: 'DELETE',
    path: '/flows/:id',
    summary: 'Undeploy an integration flow',
    roles: ['WorkspaceArtifactsDeploy'],
    parameters: ofId,
    status: 204,
    handle: ({ tenant, parameters }, services) => undeployFlow(tenant, parameters.id, services),
  }),
  route({
    method: 'GET',
    path: '/messages',
    summary: 'Read the message log, newest first',
    roles: ['MonitoringDataRead'],
    query: z.object({ flow: z.string().optional(), limit: limitQuery }),
    answer: z.object({ messages: z.array(messageAnswer) }),
    async handle({ tenant, query }, { journal }) {
      const filter = { limit: query.limit, ...(query.flow !== undefined && { flowId: query.flow }) }
      return { messages: (await journal.messages(tenant.id, filter)).map(showMessage) }
    },
  }),
  route({
    method: 'GET',
    path: '/decisions',
    summary: 'Read the decision records, newest first',
    roles: ['MonitoringDataRead'],
    query: z.object({ client: z.string().optional(), code: z.string().optional(), limit: limitQuery }),
    answer: z.object({ decisions: z.array(decisionAnswer) }),
    async handle({ tenant, query }, { journal }) {
      const filter = {
        limit: query.limit,
        ...(query.client !== undefined && { clientId: query.client }),
        ...(query.code !== undefined && { code: query.code }),
      }
      return { decisions: (await journal.decisions(tenant.id, filter)).map(showDecision) }
    },
  }),
  route({
    method: 'GET',
    path: '/decisions/:id',
    summary: 'Why the request of this correlation id was refused',
    roles: ['MonitoringDataRead'],
    parameters: ofId,
    answer: decisionAnswer,
    async handle({ tenant, parameters }, { journal }) {
      await journal.flush()
      const record = await journal.findDecision(tenant.id, parameters.id)
      return record ? showDecision(record) : noRecord
    },
  }),
  route({
    method: 'POST',
    path: '/explain',
    summary: 'Dry run: would this token or certificate be accepted at this address, and why (not)?',
    roles: ['MonitoringDataRead'],
    body: triedBody,
    answer: z.looseObject({ accepted: z.boolean(), reason: z.string(), checks: z.array(checkAnswer) }),
    async handle({ tenant, body }, services) {
      const tried = readTried(body)
      return isProblem(tried) ? tried : explainCredential(tried, body.endpoint, tenant, services)
    },
  }),
]

function readTried(body: z.infer<typeof triedBody>): TriedCredential | Problem {
  if ('token' in body) return { token: body.token }
  const certificate = readPresented(body.certificate)
  return isProblem(certificate) ? certificate : { certificate }
}

/** Where senders reach a flow. */
function endpointOf(
  { sender }: Pick<FlowDefinition, 'sender'>,
  tenant: Tenant,
  { addresses }: Services,
): string {
  // Senders without a key have nothing but their certificate, for which one port alone asks.
  const base = 'userRole' in sender.authorization ? addresses.worker(tenant) : addresses.mtls(tenant)
  return `${base}${findSender(sender.adapter)!.prefix}${sender.address}`
}

const noRecord = new Problem('not_found', 'there is no decision record of this correlation id', {
  hint: 'Only refused requests leave one, for 30 days at most; other tenants keep their own (--tenant).',
})

function showMessage({ tenantId: _, flowId, startedAt, endedAt, ...message }: Message) {
  return { ...message, flow: flowId, startedAt: iso(startedAt), endedAt: iso(endedAt) }
}

function showDecision({ tenantId: _, at, ...record }: DecisionRecord) {
  return { ...record, at: iso(at) }
}
