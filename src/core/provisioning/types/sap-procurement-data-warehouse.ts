import { scimPreset } from './presets.ts'

/** Procurement Data Warehouse: tokens come from another host (https://api-eu.ariba.com/v2/oauth/token) than the API (https://eu.openapi.ariba.com). */
export const sapProcurementDataWarehouse = scimPreset({
  name: 'sap-procurement-data-warehouse',
  title: 'Procurement Data Warehouse',
  roles: ['source', 'target', 'proxy'],
  needed: ['Authentication', 'OAuth2TokenServiceURL'],
  isOnlyReached: true,
})
