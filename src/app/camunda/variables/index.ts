import { authenticationVariables } from './authentication.ts'
import { initializationVariables } from './initialization.ts'
import { oidcVariables } from './oidc.ts'
import { serverVariables } from './server.ts'
import type { Variable } from './variable.ts'

export type { Variable, WithoutEffect } from './variable.ts'
export { withoutEffect } from './without-effect.ts'

const table = {
  ...oidcVariables,
  ...authenticationVariables,
  ...serverVariables,
  ...initializationVariables,
}

/** Every variable of the described system that has an effect; with `withoutEffect`, all that are known. */
export const variables: Readonly<Record<VariableId, Variable>> = table
export type VariableId = keyof typeof table
