import { scimPreset } from './presets.ts'

/** SAP CPQ: tokens come from https://<host>/oauth2/token. */
export const sapCpq = scimPreset({
  name: 'sap-cpq',
  title: 'SAP CPQ',
  roles: ['source', 'target', 'proxy'],
  needed: ['Authentication', 'OAuth2TokenServiceURL'],
})
