import { z } from 'zod'
import { type Plan, plans } from '../../plans.ts'
import { Problem } from '../../problem.ts'
import { keyParametersDocument } from '../credentials/document.ts'
import { instanceParametersSchema } from '../parameters.ts'
import { uuidOfName } from './uuid.ts'

const serviceName = 'process-integration-runtime'
/** The same on every server: who sees an id again may take it for the same offering (section Catalog Management). */
const serviceId = uuidOfName(`urn:countersign:osb:${serviceName}`)
const idOfPlan = (name: string): string => uuidOfName(`urn:countersign:osb:${serviceName}:${name}`)

/**
 * JSON Schema draft 4 is what every platform understands. No defaults: a form that sends them along would send
 * members that another kind of key does not take.
 */
const parametersOf = (schema: z.ZodType) => ({
  parameters: z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-04',
    override: ({ jsonSchema }) => void delete jsonSchema.default,
  }),
})

/** The answer to `GET /v2/catalog`: one service offering, with every plan that there is. */
export const catalog = {
  services: [
    {
      name: serviceName,
      id: serviceId,
      description: 'Credentials for systems that call integration flows or the admin API',
      tags: ['oauth2', 'mtls', 'integration'],
      bindable: true,
      instances_retrievable: true,
      bindings_retrievable: false,
      allow_context_updates: false,
      plan_updateable: false,
      metadata: { displayName: 'Process Integration Runtime', providerDisplayName: 'Countersign' },
      plans: plans.map(plan => ({
        id: idOfPlan(plan.name),
        name: plan.name,
        description: plan.description,
        free: true,
        bindable: true,
        binding_rotatable: true,
        plan_updateable: false,
        schemas: {
          service_instance: {
            create: parametersOf(instanceParametersSchema),
            update: parametersOf(instanceParametersSchema),
          },
          service_binding: { create: parametersOf(keyParametersDocument) },
        },
      })),
    },
  ],
}

/** An offering and a plan as requests name them. */
export interface PlanReference {
  readonly serviceId: string
  readonly planId: string
}

export const referenceTo = (planName: string): PlanReference => ({
  serviceId,
  planId: idOfPlan(planName),
})

/** The plan that a request means. */
export function planOf(reference: PlanReference): Plan | Problem {
  if (reference.serviceId !== serviceId) return notOffered('service_id')
  return plans.find(({ name }) => idOfPlan(name) === reference.planId) ?? notOffered('plan_id')
}

const notOffered = (what: string): Problem =>
  new Problem('invalid_input', `${what}: the catalog has no such id`, {
    hint: 'Let the platform fetch the catalog anew.',
  })

/** Does a request name the plan that an instance has? undefined: yes. */
export function otherPlan(
  reference: PlanReference,
  instance: { readonly plan: string },
): Problem | undefined {
  const plan = planOf(reference)
  if (plan instanceof Problem) return plan
  if (plan.name === instance.plan) return undefined
  return new Problem('invalid_input', `plan_id: the instance is of plan ${instance.plan}, not ${plan.name}`)
}
