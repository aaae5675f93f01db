export { createTenantDirectory, type TenantDirectory } from './directory.ts'
export {
  createTenant,
  deleteTenant,
  ensureDefaultTenant,
  type NewTenant,
  reservedTenantNames,
  updateTenant,
} from './manage.ts'
