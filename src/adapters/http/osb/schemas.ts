import { z } from 'zod'

/** The specification leaves the characters open; the log and the store set bounds. */
const id = z
  .string()
  .min(1, 'must not be empty')
  .max(255, 'must have at most 255 characters')
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not have control characters')

export const ofInstance = z.object({ instance_id: id })
export const ofBinding = z.object({ instance_id: id, binding_id: id })

/** Unknown members are ignored, as the specification asks (section Vendor Extension Fields). */
export const planQuery = z.object({ service_id: id, plan_id: id })

const members = z.record(z.string(), z.unknown())

/** No plan has maintenance information, so that none can be asked for (section Provisioning). */
const maintenanceInfo = z.object({ version: z.string() }).optional()

export const provisionBody = z.object({
  service_id: id,
  plan_id: id,
  organization_guid: id,
  space_guid: id,
  context: z.looseObject({ instance_name: z.string().optional().catch(undefined) }).optional(),
  parameters: members.optional(),
  maintenance_info: maintenanceInfo,
})

export const updateBody = z.object({
  service_id: id,
  plan_id: id.optional(),
  parameters: members.optional(),
  maintenance_info: maintenanceInfo,
})

export const bindBody = z
  .object({
    service_id: id.optional(),
    plan_id: id.optional(),
    predecessor_binding_id: id.optional(),
    app_guid: id.optional(),
    bind_resource: members.optional(),
    parameters: members.optional(),
  })
  .superRefine(({ predecessor_binding_id, service_id, plan_id }, context) => {
    const given = { service_id, plan_id }
    const alone = service_id === undefined && plan_id === undefined
    // A successor is of the plan of its predecessor (section Rotating a Service Binding).
    if (alone && predecessor_binding_id !== undefined) return
    for (const [name, value] of Object.entries(given))
      if (value === undefined) context.addIssue({ code: 'custom', path: [name], message: 'is missing' })
  })
