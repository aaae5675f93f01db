import { bind, bindingOf, unbind } from '../../../core/broker/osb/index.ts'
import { isProblem, Problem } from '../../../core/problem.ts'
import { type OsbRoute, route } from './route.ts'
import { bindBody, ofBinding, planQuery } from './schemas.ts'

export const bindingRoutes: readonly OsbRoute[] = [
  route({
    method: 'PUT',
    path: '/service_instances/:instance_id/service_bindings/:binding_id',
    parameters: ofBinding,
    body: bindBody,
    async handle({ tenant, roles, parameters, body }, services) {
      const { service_id: serviceId, plan_id: planId } = body
      const bound = await bind(
        parameters.instance_id,
        parameters.binding_id,
        {
          reference: serviceId !== undefined && planId !== undefined ? { serviceId, planId } : undefined,
          predecessor: body.predecessor_binding_id,
          parameters: body.parameters ?? {},
          boundTo: body.bind_resource ?? body.app_guid,
        },
        { tenant, roles },
        services,
      )
      if (isProblem(bound)) return bound
      const { answer, created, warnings } = bound
      const { clientid, certificatedetails } = answer.credentials.oauth
      return {
        status: created ? 201 : 200,
        body: answer,
        set: {
          clientid,
          ...(certificatedetails as object | undefined),
          ...(warnings.length > 0 && { warnings }),
        },
      }
    },
  }),
  route({
    method: 'GET',
    path: '/service_instances/:instance_id/service_bindings/:binding_id',
    parameters: ofBinding,
    handle: async () =>
      new Problem('not_found', 'service bindings cannot be fetched: their credentials are told once'),
  }),
  route({
    method: 'DELETE',
    path: '/service_instances/:instance_id/service_bindings/:binding_id',
    parameters: ofBinding,
    query: planQuery,
    async handle({ tenant, roles, parameters, query }, services) {
      const { instance_id: instance, binding_id: binding } = parameters
      const reference = { serviceId: query.service_id, planId: query.plan_id }
      const deleted = await unbind(instance, binding, reference, { tenant, roles }, services)
      return isProblem(deleted) ? deleted : { status: 200, body: {}, set: { clientid: deleted.clientId } }
    },
  }),
  route({
    method: 'GET',
    path: '/service_instances/:instance_id/service_bindings/:binding_id/last_operation',
    parameters: ofBinding,
    async handle({ tenant, parameters }, services) {
      const found = await bindingOf(parameters.instance_id, parameters.binding_id, tenant, services)
      return isProblem(found) ? found : { status: 200, body: { state: 'succeeded' } }
    },
  }),
]
