import { type Client, type Registration, subjectOf } from '../clients/index.ts'
import { Problem } from '../problem.ts'
import type { Caller } from './caller.ts'

export const authorizationChecks = ['audience', 'role'] as const

/** May this caller use an address that is for `audience` and asks for one of `roles`? undefined: yes. */
export function authorize(caller: Caller, audience: string, roles: readonly string[]): Problem | undefined {
  const { client } = caller
  if (caller.audience !== audience)
    return new Problem(
      caller.by === 'token' ? 'invalid_token' : 'insufficient_scope',
      'the credential is not for this resource',
      {
        check: 'audience',
        reason: `the credential is for ${caller.audience}, this address is ${audience}`,
        hint: client.registration
          ? 'Registered clients call flows alone: use a service key of an instance of plan api.'
          : `Instance ${client.instanceName} is of plan ${client.plan}: use an instance of the other plan.`,
        subject: subjectOf(client),
      },
    )
  if (roles.some(role => caller.roles.has(role))) return undefined
  if (client.registration)
    return lacksAsUser(client.registration, client, roles).with({ subject: subjectOf(client) })
  const held = [...caller.roles].join(', ') || 'no roles'
  const narrowed = roles.some(role => client.roles.has(role))
  return new Problem('insufficient_scope', 'the caller lacks the role', {
    check: 'role',
    reason: narrowed
      ? `the token carries ${held}; instance ${client.instanceName} has ${roles.join(' or ')}, but the token does not`
      : `asks for ${roles.join(' or ')}; instance ${client.instanceName} has ${[...client.roles].join(', ') || 'no roles'}`,
    hint: narrowed
      ? 'Let the sender fetch a new token without `scope`.'
      : `Add the role: countersign instance update ${client.instanceName} ${[...client.roles, roles[0]].map(role => `--role ${role}`).join(' ')}`,
    subject: subjectOf(client),
  })
}

/** A registered client has the roles of its user. */
function lacksAsUser({ user, node }: Registration, client: Client, roles: readonly string[]): Problem {
  return new Problem('insufficient_scope', 'the caller lacks the role', {
    check: 'role',
    reason: `asks for ${roles.join(' or ')}; user ${user} has ${[...client.roles].join(', ') || 'no roles'} at ${node}`,
    hint: `Give it the role: countersign role assign ${roles[0]} --user ${quoted(user)} --subscription ${node}`,
  })
}

/**
 * Is this the runtime node at whose flows the caller may call? Tokens of registered clients are good at one alone.
 * undefined: yes.
 */
export function authorizeNode({ client }: Pick<Caller, 'client'>, node: string): Problem | undefined {
  const { registration } = client
  if (!registration || registration.node === node) return undefined
  return new Problem('insufficient_scope', 'the caller may not call this address', {
    check: 'runtime node',
    reason: `the flow is deployed to ${node}, and client ${client.clientId} is subscribed to ${registration.node}`,
    hint: `Deploy the flow to ${registration.node}, or register a client for ${node}.`,
    subject: subjectOf(client),
  })
}

const quoted = (text: string): string =>
  /^[A-Za-z0-9._-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
