import { z } from 'zod'
import { printable } from '../../schema.ts'
import type { Kind } from './kind.ts'
import { text } from './parts.ts'

export const ownerTypes = ['USER', 'CLIENT', 'ROLE', 'GROUP', 'MAPPING_RULE', 'UNSPECIFIED'] as const
export type OwnerType = (typeof ownerTypes)[number]

const ofEntities = ['CREATE', 'READ', 'UPDATE', 'DELETE'] as const

/** THE LIST of what there are permissions on, and which: those of the published OpenAPI of Camunda 8.8 and 8.9. */
export const resourcePermissions: Readonly<Record<string, readonly string[]>> = {
  AUTHORIZATION: ofEntities,
  GROUP: ofEntities,
  MAPPING_RULE: ofEntities,
  ROLE: ofEntities,
  TENANT: ofEntities,
  USER: ofEntities,
  COMPONENT: ['ACCESS'],
  SYSTEM: ['READ', 'READ_USAGE_METRIC', 'UPDATE'],
  BATCH: [
    'CREATE',
    'CREATE_BATCH_OPERATION_CANCEL_PROCESS_INSTANCE',
    'CREATE_BATCH_OPERATION_DELETE_PROCESS_INSTANCE',
    'CREATE_BATCH_OPERATION_MIGRATE_PROCESS_INSTANCE',
    'CREATE_BATCH_OPERATION_MODIFY_PROCESS_INSTANCE',
    'CREATE_BATCH_OPERATION_RESOLVE_INCIDENT',
    'READ',
    'UPDATE',
  ],
  DECISION_DEFINITION: [
    'CREATE_DECISION_INSTANCE',
    'READ_DECISION_DEFINITION',
    'READ_DECISION_INSTANCE',
    'DELETE_DECISION_INSTANCE',
  ],
  DECISION_REQUIREMENTS_DEFINITION: ['READ'],
  DOCUMENT: ['CREATE', 'READ', 'DELETE'],
  MESSAGE: ['CREATE', 'READ'],
  PROCESS_DEFINITION: [
    'CREATE_PROCESS_INSTANCE',
    'READ_PROCESS_DEFINITION',
    'READ_PROCESS_INSTANCE',
    'READ_USER_TASK',
    'CLAIM_USER_TASK',
    'COMPLETE_USER_TASK',
    'UPDATE_PROCESS_INSTANCE',
    'UPDATE_USER_TASK',
    'MODIFY_PROCESS_INSTANCE',
    'CANCEL_PROCESS_INSTANCE',
    'DELETE_PROCESS_INSTANCE',
  ],
  RESOURCE: ['CREATE', 'READ', 'DELETE_DRD', 'DELETE_FORM', 'DELETE_PROCESS', 'DELETE_RESOURCE'],
  USER_TASK: ['READ', 'UPDATE', 'CLAIM', 'COMPLETE'],
  AUDIT_LOG: ['READ'],
  CLUSTER_VARIABLE: ofEntities,
  EXPRESSION: ['EVALUATE'],
  GLOBAL_LISTENER: ofEntities,
}

export interface AuthorizationContent {
  readonly ownerId: string
  readonly ownerType: OwnerType
  readonly resourceId: string
  readonly resourceType: string
  readonly permissionTypes: readonly string[]
}

const fields = z
  .strictObject({
    ownerId: text(256),
    ownerType: z.enum(ownerTypes),
    resourceId: text(256),
    resourceType: z.enum(Object.keys(resourcePermissions) as [string, ...string[]]),
    permissionTypes: z.array(z.string().max(100)).min(1, 'names at least one permission').max(50),
  })
  .superRefine(({ resourceType, permissionTypes }, context) => {
    const known = resourcePermissions[resourceType] ?? []
    for (const permission of permissionTypes)
      if (!known.includes(permission))
        context.addIssue({
          code: 'custom',
          path: ['permissionTypes'],
          message: `there is no permission ${printable(permission)} on ${resourceType}, but ${known.join(', ')}`,
        })
  })

/** What an owner may do. Its key is given by the server. */
export const authorization: Kind = {
  kind: 'authorization',
  plural: 'authorizations',
  title: 'authorization',
  resourceType: 'AUTHORIZATION',
  idField: 'authorizationKey',
  wrongId: key => (/^\d{1,19}$/.test(key) ? undefined : 'is a number'),
  create: fields,
  update: fields,
  view: ({ id, content }) => ({
    authorizationKey: id,
    ownerId: content.ownerId,
    ownerType: content.ownerType,
    resourceId: content.resourceId,
    // Published since 8.9, and always told; resources are named by their id here.
    resourcePropertyName: null,
    resourceType: content.resourceType,
    permissionTypes: content.permissionTypes,
  }),
  filterFields: ['ownerId', 'ownerType', 'resourceIds', 'resourceType'],
  sortFields: ['ownerId', 'ownerType', 'resourceId', 'resourceType'],
}
