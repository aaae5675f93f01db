import { nearestName } from '../../nearest.ts'
import { Problem } from '../../problem.ts'
import { printable } from '../../schema.ts'
import { file } from './file.ts'
import { sapBuildWorkZoneAdvanced } from './sap-build-work-zone-advanced.ts'
import { sapBusinessNetwork } from './sap-business-network.ts'
import { sapCpq } from './sap-cpq.ts'
import { sapProcurementDataWarehouse } from './sap-procurement-data-warehouse.ts'
import { scim } from './scim.ts'
import type { SystemType } from './type.ts'

/** THE LIST of types of systems. */
export const systemTypes: readonly SystemType[] = [
  scim,
  file,
  sapBuildWorkZoneAdvanced,
  sapCpq,
  sapBusinessNetwork,
  sapProcurementDataWarehouse,
]

export function systemType(name: string): SystemType | Problem {
  const found = systemTypes.find(type => type.name === name)
  if (found) return found
  const names = systemTypes.map(type => type.name)
  const near = nearestName(name, names)
  return new Problem('invalid_input', `there is no system type ${printable(name)}`, {
    hint: near ? `Did you mean ${near}?` : `The types are ${names.join(', ')}.`,
  })
}
