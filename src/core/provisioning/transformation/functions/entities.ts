import { isObject, member } from '../json.ts'
import { mappingFunction, oneOf, optional, text, textFrom, unfit } from './function.ts'

/**
 * The id that an entity of the source has in the target. An object keeps its other members and has the id in `value`.
 * There is no result for an entity that is not in the target.
 */
export const resolveEntityIds = mappingFunction({
  name: 'resolveEntityIds',
  writesOnly: true,
  parameters: {
    entityType: optional(oneOf(['user', 'group']), 'user'),
    sourceSystemName: optional(text),
    targetSystemName: optional(text),
  },
  apply: (value, { entityType, sourceSystemName, targetSystemName }, { lookup }) => {
    if (!lookup) return unfit('ids can be resolved only where a target is written to')
    const id = isObject(value) ? member(value, 'value') : value
    if (id === undefined || id === null) return undefined
    const found = lookup({
      entityType,
      id: textFrom(id),
      ...(sourceSystemName !== undefined && { sourceSystemName }),
      ...(targetSystemName !== undefined && { targetSystemName }),
    })
    if (found === undefined) return undefined
    return isObject(value) ? { ...value, value: found } : found
  },
})
