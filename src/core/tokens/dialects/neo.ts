import type { Client } from '../../clients/index.ts'
import type { Dialect } from './dialect.ts'
import { standard } from './standard.ts'

/**
 * Registered clients, as SAP Neo has them. A token says who calls, the user; what this user may do is looked up where it
 * is used, so no token carries scopes. `scopes` is a list, and empty. Reasons: docs/decisions/0015-registered-clients.md.
 */
export const neo: Dialect = {
  ...standard,
  name: 'neo',
  ofInstances: false,
  formatNames: new Map([['jwtrfc', 'jwt']]),
  claims: (token, about) => ({ ...standard.claims(token, about), sub: userOf(about.client) }),
  response: ({ accessToken, lifetime }) => ({
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: lifetime,
    scopes: [],
  }),
}

const userOf = ({ registration, clientId }: Client): string => registration?.user ?? clientId
