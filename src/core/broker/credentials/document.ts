import { z } from 'zod'
import { credentialKinds } from './index.ts'
import { xsuaaSchema } from './parameters.ts'

/** Where two kinds understand a member, the first one describes it: it is the one that makes something of it. */
const membersOfKinds: Record<string, z.ZodType> = {}
for (const { schema } of credentialKinds)
  for (const [name, member] of Object.entries(schema.shape)) membersOfKinds[name] ??= member as z.ZodType

/** All members that a key can be asked for with, described for people and forms; each kind reads its own. */
export const keyParametersDocument = z.strictObject({
  'key-type': z
    .enum(credentialKinds.map(({ type }) => type))
    .optional()
    .meta({ description: 'secret where nothing is said' }),
  ...membersOfKinds,
  ...z.strictObject(xsuaaSchema.shape).partial().shape,
})
