import { createSystemCalls } from '../calls.ts'
import type { OpenedSystem } from '../systems/opened.ts'
import { scim } from './scim.ts'
import type { Connector, ConnectorDependencies, SystemType } from './type.ts'

interface Preset extends Pick<SystemType, 'name' | 'title' | 'roles'> {
  /** Needed beside what SCIM needs. */
  readonly needed?: readonly string[]
  /** Its API has more than SCIM, and where SCIM begins differs: a connection is good where anything answers. */
  readonly isOnlyReached?: boolean
}

/** Of a client that is let in, whatever it asked for. */
const answered = Array.from({ length: 100 }, (_, at) => 400 + at).filter(
  status => ![401, 403, 407, 408, 429].includes(status),
)

/** A system that speaks SCIM 2.0 and wants some properties in a certain way. */
export const scimPreset = ({
  name,
  title,
  roles,
  needed = [],
  isOnlyReached = false,
}: Preset): SystemType => ({
  ...scim,
  name,
  title,
  roles,
  connect: isOnlyReached ? reached : scim.connect,
  missing: properties => [
    ...new Set([...scim.missing(properties), ...needed.filter(one => properties[one] === undefined)]),
  ],
})

function reached(system: OpenedSystem, deps: ConnectorDependencies): Connector {
  const connector = scim.connect(system, deps)
  const calls = createSystemCalls(system, deps)
  return {
    ...connector,
    isOnlyReached: true,
    async check() {
      const { status } = await calls.once({ method: 'GET', path: '', expect: answered })
      return `GET ${system.properties.URL} answers ${status}: the system is there and lets Countersign in`
    },
    close() {
      connector.close()
      calls.close()
    },
  }
}
