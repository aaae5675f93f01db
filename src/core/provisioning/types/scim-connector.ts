import { createSystemCalls } from '../calls.ts'
import type { OpenedSystem } from '../systems/opened.ts'
import type { EntityType } from '../transformation/index.ts'
import { scimReader } from './scim-reader.ts'
import { scimWriter } from './scim-writer.ts'
import type { Connector, ConnectorDependencies } from './type.ts'

const entityTypes: readonly EntityType[] = ['user', 'group']

/** A system with a SCIM 2.0 API (RFC 7643, RFC 7644). */
export function connectScim(system: OpenedSystem, deps: ConnectorDependencies): Connector {
  const calls = createSystemCalls(system, deps)
  const reader = scimReader(system, calls, deps.context)
  return {
    entityTypes,
    check: reader.check,
    checkToken: calls.checkToken,
    read: reader.read,
    readOne: reader.readOne,
    writer: scimWriter(system, calls),
    close: () => calls.close(),
  }
}
