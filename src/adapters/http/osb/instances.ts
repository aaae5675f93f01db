import { type Instance, instanceParametersOf } from '../../../core/broker/index.ts'
import { deprovision, instanceOf, provision, referenceTo, update } from '../../../core/broker/osb/index.ts'
import { isProblem, Problem } from '../../../core/problem.ts'
import { addressOnly } from '../admin/audit.ts'
import { type OsbRoute, route } from './route.ts'
import { ofInstance, planQuery, provisionBody, updateBody } from './schemas.ts'

/** Everything that can be set, and under which name people find it here. */
function setOf(instance: Instance): Readonly<Record<string, unknown>> {
  const parameters = instanceParametersOf(instance)
  const { name, plan } = instance
  return { name, plan, ...parameters, 'redirect-uris': parameters['redirect-uris'].map(addressOnly) }
}

/** The catalog has no maintenance information: whatever a request names is another one. */
const noMaintenance = new Problem(
  'maintenance_info_conflict',
  'the catalog has no maintenance information for this plan',
)

export const instanceRoutes: readonly OsbRoute[] = [
  route({
    method: 'PUT',
    path: '/service_instances/:instance_id',
    parameters: ofInstance,
    body: provisionBody,
    async handle({ tenant, roles, parameters, body }, services) {
      if (body.maintenance_info) return noMaintenance
      const result = await provision(
        parameters.instance_id,
        {
          serviceId: body.service_id,
          planId: body.plan_id,
          organization: body.organization_guid,
          space: body.space_guid,
          name: body.context?.instance_name,
          parameters: body.parameters,
        },
        { tenant, roles },
        services,
      )
      if (isProblem(result)) return result
      const { created, instance } = result
      return { status: created ? 201 : 200, body: {}, ...(created && { set: setOf(instance) }) }
    },
  }),
  route({
    method: 'PATCH',
    path: '/service_instances/:instance_id',
    parameters: ofInstance,
    body: updateBody,
    async handle({ tenant, roles, parameters, body }, services) {
      if (body.maintenance_info) return noMaintenance
      const wanted = { serviceId: body.service_id, planId: body.plan_id, parameters: body.parameters }
      const instance = await update(parameters.instance_id, wanted, { tenant, roles }, services)
      return isProblem(instance) ? instance : { status: 200, body: {}, set: setOf(instance) }
    },
  }),
  route({
    method: 'GET',
    path: '/service_instances/:instance_id',
    parameters: ofInstance,
    async handle({ tenant, parameters }, services) {
      const instance = await instanceOf(parameters.instance_id, tenant, services)
      if (isProblem(instance)) return instance
      const { serviceId, planId } = referenceTo(instance.plan)
      return {
        status: 200,
        body: { service_id: serviceId, plan_id: planId, parameters: instanceParametersOf(instance) },
      }
    },
  }),
  route({
    method: 'DELETE',
    path: '/service_instances/:instance_id',
    parameters: ofInstance,
    query: planQuery,
    async handle({ tenant, roles, parameters, query }, services) {
      const reference = { serviceId: query.service_id, planId: query.plan_id }
      const deleted = await deprovision(parameters.instance_id, reference, { tenant, roles }, services)
      return isProblem(deleted) ? deleted : { status: 200, body: {}, set: { name: deleted.name } }
    },
  }),
  route({
    method: 'GET',
    path: '/service_instances/:instance_id/last_operation',
    parameters: ofInstance,
    async handle({ tenant, parameters }, services) {
      const instance = await instanceOf(parameters.instance_id, tenant, services)
      // Every operation is done when it is answered.
      return isProblem(instance) ? instance : { status: 200, body: { state: 'succeeded' } }
    },
  }),
]
