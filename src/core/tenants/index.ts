export { createTenantDirectory, type TenantDirectory } from './directory.ts'
export {
  createTenant,
  deleteTenant,
  ensureDefaultTenant,
  type NewTenant,
  reservedTenantNames,
} from './manage.ts'
