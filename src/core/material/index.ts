export { type MaterialInfo, materialContext, type SecurityMaterial } from './content.ts'
export { createSecurityMaterials, type SecurityMaterials } from './directory.ts'
export {
  createMaterial,
  deleteMaterial,
  listMaterial,
  type MaterialManagement,
  mostMaterial,
  type NewMaterial,
} from './manage.ts'
export type { FoundMaterial, MaterialTable, StoredMaterial } from './store.ts'
export { type MaterialTypeName, materialTypes } from './types/index.ts'
