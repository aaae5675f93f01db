export {
  type Authenticated,
  authenticateClient,
  authenticateSecret,
  type ClientAuthentication,
  type Origin,
  outOfUse,
} from './authenticate.ts'
export { type IdAndSecret, readBasic } from './basic.ts'
export type { Client, ClientTable } from './client.ts'
export { type ClientDirectory, createClientDirectory } from './directory.ts'
export { createFailureCounter, type FailureCounter } from './failures.ts'
export type { ClientRequest } from './method.ts'
export { clientAuthenticationMethods } from './methods/index.ts'
