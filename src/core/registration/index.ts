export {
  deleteClient,
  findClient,
  type NewRegistration,
  type Registered,
  type Registering,
  registerClient,
  updateClient,
} from './register.ts'
export { clientIdOf, type RegisteredClient, type RegisteredClientTable, userOf } from './store.ts'
