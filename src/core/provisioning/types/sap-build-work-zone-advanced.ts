import { scimPreset } from './presets.ts'

/** SAP Build Work Zone, advanced edition: a token is always wanted, from /api/v1/auth/token or, by certificate, /api/v2/auth/token. */
export const sapBuildWorkZoneAdvanced = scimPreset({
  name: 'sap-build-work-zone-advanced',
  title: 'SAP Build Work Zone, advanced edition',
  roles: ['source', 'target', 'proxy'],
  needed: ['Authentication', 'OAuth2TokenServiceURL'],
})
