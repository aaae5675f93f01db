import { scimPreset } from './presets.ts'

/** SAP Business Network: its documentation knows passwords and certificates. */
export const sapBusinessNetwork = scimPreset({
  name: 'sap-business-network',
  title: 'SAP Business Network',
  roles: ['source', 'target', 'proxy'],
  needed: ['Authentication'],
  isOnlyReached: true,
})
