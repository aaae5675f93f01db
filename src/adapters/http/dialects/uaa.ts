import { isProblem, Problem } from '../../../core/problem.ts'
import { revokeAllOf, revokeTokenById } from '../../../core/tokens/index.ts'
import { oauthProblem } from '../problems.ts'
import { at, type Exchange, type Face, guarded, open, type TokenServerParts } from '../token-endpoint.ts'
import { uaaProblem } from './uaa-problem.ts'

/** The role that lets a token revoke others of its client; without it, only the client's own credential does. */
const revokeRole = 'tokens.revoke'

/**
 * The addresses of UAA that its clients know beside `/oauth/token`: introspection by its older names, keys one by one,
 * and revocation by id.
 */
export const uaa: Face = {
  name: 'uaa',
  problem: uaaProblem,
  addresses(server) {
    const own = { dialects: ['uaa'], problem: uaaProblem }
    const tells = (answer: Tells) => ({ ...own, answer: (exchange: Exchange) => answer(exchange, server) })
    return [
      at('/introspect', guarded('introspect', { ...own, answer: server.tellIntrospection })),
      at('/check_token', guarded('introspect', { ...tells(checkToken), checks: tokenChecks })),
      // Everybody's keys are here, in the words of the standard.
      at(
        '/token_keys',
        open({ ...tells(tellKeys), problem: oauthProblem, rules: { inQuery: new Set(['zid']) } }),
      ),
      at('/token_key', open(tells(tellKey))),
      {
        match: path => (path.startsWith(revokeClient) ? { id: path.slice(revokeClient.length) } : undefined),
        endpoint: guarded('revoke', {
          ...tells(revokeTokensOfClient),
          methods: ['GET', 'POST', 'DELETE'],
          checks: revocationChecks,
        }),
      },
      {
        match: path => (path.startsWith(revoke) ? { id: path.slice(revoke.length) } : undefined),
        endpoint: guarded('revoke', {
          ...tells(revokeOneToken),
          methods: ['DELETE'],
          checks: revocationChecks,
        }),
      },
    ]
  },
}

const revoke = '/oauth/token/revoke/'
const revokeClient = `${revoke}client/`

const tokenChecks = [
  'request form',
  'client authentication method',
  'client credential',
  'token parameter',
  'token active',
] as const

const revocationChecks = [
  'request form',
  'client authentication method',
  'client credential',
  'own tokens only',
] as const

type Tells = (exchange: Exchange, server: TokenServerParts) => Promise<object | Problem>

/** The older introspection: the claims alone, or an error. */
const checkToken: Tells = async (exchange, server) => {
  const told = await server.tellIntrospection(exchange)
  if (isProblem(told)) return told
  const { active, ...claims } = told as { active: boolean }
  return active ? claims : new Problem('invalid_token', 'the token is not active', { check: 'token active' })
}

const tellKey: Tells = async ({ request }, { services }) => {
  const keyring = await services.keyrings.of(request.envelope.tenant.id)
  return (
    keyring.activePublicKey('rs256', services.context.now()) ??
    new Problem('not_found', 'this tenant has no clients of UAA', { check: 'request form' })
  )
}

/** Every token that the client has got so far. */
const revokeTokensOfClient: Tells = async (exchange, server) => {
  const asker = await whoRevokes(exchange, server)
  if (isProblem(asker)) return asker
  const { client } = asker
  if (decode(exchange.id) !== client.clientId) return notOwn
  const { services } = server
  await revokeAllOf(client.credentialId, services.store)
  const { correlationId } = exchange.request.envelope
  services.context.log.info({ correlationId, clientId: client.clientId }, 'all tokens of the client revoked')
  return {}
}

const revokeOneToken: Tells = async (exchange, server) => {
  const asker = await whoRevokes(exchange, server)
  if (isProblem(asker)) return asker
  const { client } = asker
  const { tenant, correlationId } = exchange.request.envelope
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(exchange.id!))
    return new Problem('not_found', 'there is no token of this id', {
      check: 'own tokens only',
      reason: 'the last part of the path is no token id',
      hint: 'Send the jti that came with the token; the token itself must not stand in an address.',
    })
  await revokeTokenById(exchange.id!, client, tenant, server.services)
  server.services.context.log.info({ correlationId, clientId: client.clientId }, 'token revoked by its id')
  return {}
}

/** Whoever is shown a token could else end all the others of its client with it. */
async function whoRevokes(exchange: Exchange, { whoAsks }: TokenServerParts) {
  const asker = await whoAsks(exchange)
  if (isProblem(asker) || !asker.byToken || asker.roles.has(revokeRole)) return asker
  return new Problem('insufficient_scope', 'the token does not allow this', {
    check: 'own tokens only',
    reason: `the token carries no role ${revokeRole}`,
    hint: 'Use the client id and secret, or the certificate, of the service key.',
    subject: { clientId: asker.client.clientId, credentialId: asker.client.credentialId },
  })
}

const notOwn = new Problem('insufficient_scope', 'only the own tokens can be revoked', {
  check: 'own tokens only',
  reason: 'the path names another client',
})

/** Client ids hold `!` and `|`, which some clients encode. */
function decode(word = ''): string {
  try {
    return decodeURIComponent(word)
  } catch {
    return word
  }
}

/**
 * All keys of the tenant. With `zid`, as libraries of XSUAA ask, those that sign the tokens of this zone for clients of
 * UAA. Another zone's are not told here: such a library takes the zone from the token that it has yet to verify, so
 * whoever can sign for any tenant could sign for all.
 */
const tellKeys: Tells = async ({ request, parameters }, { services }) => {
  const { tenant } = request.envelope
  const keyring = await services.keyrings.of(tenant.id)
  const now = services.context.now()
  const zid = parameters.get('zid')
  if (zid === undefined) return { keys: keyring.publicKeys(now) }
  if (zid === tenant.guid) return { keys: keyring.publicKeys(now, 'rs256') }
  return new Problem('invalid_request', 'zid names another zone', {
    check: 'request form',
    hint: `The keys of another tenant are at its own address; this one is ${tenant.guid}.`,
  })
}
