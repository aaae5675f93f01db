import { type Check, checkList } from '../../terminal/checks.ts'
import { type Column, type Detail, details, table } from '../../terminal/table.ts'
import type { Cli } from './command.ts'

interface Step {
  readonly id: string
  readonly because: string
}

/** The answer of POST /identity/explain. */
export interface IdentityAnswer {
  readonly accepted: boolean
  readonly by: string
  readonly code?: string
  readonly reason: string
  readonly hint?: string
  readonly checks: readonly Check[]
  readonly explanation?: IdentityExplanation
}

interface IdentityExplanation {
  readonly principal: { readonly type: string; readonly id: string }
  readonly claims: Readonly<Record<string, unknown>>
  readonly mappingRules: readonly { readonly mappingRuleId: string; readonly because: string }[]
  readonly groups: readonly Step[]
  readonly roles: readonly Step[]
  readonly tenants: readonly Step[]
  readonly unknownRoles: readonly string[]
  readonly authorizations: readonly Authorization[]
  readonly decision?: { readonly allowed: boolean; readonly because: string }
}

interface Authorization {
  readonly authorizationKey: string
  readonly owner: string
  readonly resourceType: string
  readonly resourceId: string
  readonly permissionTypes: readonly string[]
}

type Paint = Cli['terminal']['paint']

/** Who somebody is to the identity service, step by step. */
export function showIdentity(answer: IdentityAnswer, paint: Paint): string {
  const { accepted, code, reason, hint, checks, explanation } = answer
  const head = details([[accepted ? 'Accepted' : 'Refused', accepted ? 'yes' : code]], paint)
  const list = checks.length > 0 ? `${paint.bold('Checks')}\n${checkList(checks, paint)}` : ''
  const because: Detail[] = [
    ['Reason', reason],
    ['Hint', hint],
  ]
  const steps = explanation ? showSteps(explanation, paint) : ''
  return `${head}${list}${details(because, paint)}${steps}`
}

function showSteps(
  {
    principal,
    claims,
    mappingRules,
    groups,
    roles,
    tenants,
    unknownRoles,
    authorizations,
    decision,
  }: IdentityExplanation,
  paint: Paint,
): string {
  const part = (title: string, text: string) => `\n${paint.bold(title)}\n${text === '' ? 'none\n' : text}`
  const stepTable = (name: string, steps: readonly Step[]) =>
    steps.length === 0
      ? ''
      : table(
          steps,
          [
            { title: name, cell: ({ id }) => id },
            { title: 'BECAUSE', cell: ({ because }) => because },
          ],
          paint,
        )
  const rules = mappingRules.map(({ mappingRuleId, because }) => ({ id: mappingRuleId, because }))
  const ignored = unknownRoles.map(id => ({ id, because: 'there is no such role: it counts for nothing' }))
  return [
    part('Caller', details([[principal.type, principal.id]], paint)),
    part('Claims', details(lines(claims), paint)),
    part('Mapping rules', stepTable('MAPPING RULE', rules)),
    part('Groups', stepTable('GROUP', groups)),
    part('Roles', stepTable('ROLE', [...roles, ...ignored])),
    part('Tenants', stepTable('TENANT', tenants)),
    part('Authorizations', authorizations.length === 0 ? '' : table(authorizations, columns, paint)),
    decision ? `\n${details([[decision.allowed ? 'Allowed' : 'Not allowed', decision.because]], paint)}` : '',
  ].join('')
}

/** A claim on each line; what is within another has its path. */
const lines = (claims: Readonly<Record<string, unknown>>, path = ''): Detail[] =>
  Object.entries(claims).flatMap(([name, value]): Detail[] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? lines(value as Readonly<Record<string, unknown>>, `${path}${name}.`)
      : [[`${path}${name}`, typeof value === 'string' ? value : JSON.stringify(value)]],
  )

const columns: readonly Column<Authorization>[] = [
  { title: 'AUTHORIZATION', cell: ({ authorizationKey }) => authorizationKey },
  { title: 'OWNER', cell: ({ owner }) => owner },
  { title: 'RESOURCE', cell: ({ resourceType, resourceId }) => `${resourceType} ${resourceId}` },
  { title: 'PERMISSIONS', cell: ({ permissionTypes }) => permissionTypes.join(' ') },
]
