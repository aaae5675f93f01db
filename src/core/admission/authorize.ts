import { Problem } from '../problem.ts'
import type { Caller } from './caller.ts'

export const authorizationChecks = ['audience', 'role'] as const

/** May this caller use an address that is for `audience` and asks for one of `roles`? undefined: yes. */
export function authorize(caller: Caller, audience: string, roles: readonly string[]): Problem | undefined {
  const { client } = caller
  const subject = {
    clientId: client.clientId,
    credentialId: client.credentialId,
    instance: client.instanceName,
    key: client.keyName,
  }
  if (caller.audience !== audience)
    return new Problem(
      caller.by === 'token' ? 'invalid_token' : 'insufficient_scope',
      'the credential is not for this resource',
      {
        check: 'audience',
        reason: `the credential is for ${caller.audience}, this address is ${audience}`,
        hint: `Instance ${client.instanceName} is of plan ${client.plan}: use an instance of the other plan.`,
        subject,
      },
    )
  if (roles.some(role => caller.roles.has(role))) return undefined
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
    subject,
  })
}
