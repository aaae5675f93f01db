import { scim } from './scim.ts'
import type { SystemType } from './type.ts'

interface Preset extends Pick<SystemType, 'name' | 'title' | 'roles'> {
  /** Needed beside what SCIM needs. */
  readonly needed?: readonly string[]
}

/** A system that speaks SCIM 2.0 and wants some properties in a certain way. */
export const scimPreset = ({ name, title, roles, needed = [] }: Preset): SystemType => ({
  ...scim,
  name,
  title,
  roles,
  missing: properties => [
    ...new Set([...scim.missing(properties), ...needed.filter(one => properties[one] === undefined)]),
  ],
})
