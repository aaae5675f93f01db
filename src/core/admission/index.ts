export { authorizationChecks, authorize, authorizeNode } from './authorize.ts'
export type { Caller } from './caller.ts'
export { identificationChecks, identify } from './identify.ts'
export type { Identification, ResourceRequest } from './way.ts'
