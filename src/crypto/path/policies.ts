import { anyPolicy, type PolicyExtensions } from './policy-extensions.ts'

/** The policy inputs of RFC 5280 section 6.1.1 (c), (e), (f) and (g); all absent: any policy, or none, will do. */
export interface CertificatePolicyInput {
  /** user-initial-policy-set, as object identifiers; absent: any. */
  readonly accepted?: readonly string[]
  readonly requireExplicitPolicy?: boolean
  readonly inhibitPolicyMapping?: boolean
  readonly inhibitAnyPolicy?: boolean
}

interface PolicyNode {
  readonly policy: string
  readonly expected: ReadonlySet<string>
  readonly parents: readonly PolicyNode[]
}

type Level = ReadonlyMap<string, PolicyNode>

interface State {
  /**
   * Lowest level of the valid_policy_graph (RFC 9618: a graph, for RFC 5280's tree can be made to grow exponentially);
   * undefined is NULL. Only what can be reached upwards from it is in the graph, so that nothing is ever pruned.
   */
  level: Level | undefined
  explicitPolicy: number
  policyMapping: number
  inhibitAnyPolicy: number
}

export interface PolicyCertificate {
  readonly policy: PolicyExtensions
  readonly selfIssued: boolean
}

/**
 * Certificate policies along a path, from the certificate that the anchor issued to the leaf (RFC 5280 sections 6.1.2
 * to 6.1.5 as amended by RFC 9618). Returns the index at which they fail, and why; undefined when they do not.
 */
export function policyProblem(
  path: readonly PolicyCertificate[],
  input: CertificatePolicyInput = {},
): { readonly index: number; readonly message: string } | undefined {
  const last = path.length - 1
  const skip = (now: boolean | undefined) => (now ? 0 : path.length + 1)
  const state: State = {
    level: new Map([[anyPolicy, { policy: anyPolicy, expected: new Set([anyPolicy]), parents: [] }]]),
    explicitPolicy: skip(input.requireExplicitPolicy),
    policyMapping: skip(input.inhibitPolicyMapping),
    inhibitAnyPolicy: skip(input.inhibitAnyPolicy),
  }
  for (const [index, { policy, selfIssued }] of path.entries()) {
    const takesAny = state.inhibitAnyPolicy > 0 || (index < last && selfIssued)
    state.level = state.level && policy.policies && nextLevel(state.level, policy.policies, takesAny)
    if (!state.level && state.explicitPolicy === 0) return { index, message: noPolicy }
    if (index === last) break
    if (mapsAnyPolicy(policy)) return { index, message: 'its policyMappings map anyPolicy' }
    mapPolicies(state, policy)
    countDown(state, policy, selfIssued)
  }
  const leaf = path[last]?.policy
  if (state.explicitPolicy > 0) state.explicitPolicy--
  if (leaf?.requireExplicitPolicy === 0) state.explicitPolicy = 0
  const agrees = state.level !== undefined && meets(state.level, input.accepted)
  return agrees || state.explicitPolicy > 0 ? undefined : { index: last, message: noPolicy }
}

const noPolicy =
  'a certificate policy is required, and there is none that the whole path has and that is accepted here'

/** RFC 5280 section 6.1.3 (d). */
function nextLevel(level: Level, policies: ReadonlySet<string>, takesAny: boolean): Level | undefined {
  const parentsOf = new Map<string, PolicyNode[]>()
  for (const node of level.values())
    for (const policy of node.expected) {
      const parents = parentsOf.get(policy)
      if (parents) parents.push(node)
      else parentsOf.set(policy, [node])
    }
  const any = level.get(anyPolicy)
  const next = new Map<string, PolicyNode>()
  const add = (policy: string, parents: readonly PolicyNode[]) =>
    next.set(policy, { policy, expected: new Set([policy]), parents })
  for (const policy of policies) {
    const parents = policy === anyPolicy ? undefined : (parentsOf.get(policy) ?? (any && [any]))
    if (parents) add(policy, parents)
  }
  if (policies.has(anyPolicy) && takesAny)
    for (const [policy, parents] of parentsOf) if (!next.has(policy)) add(policy, parents)
  return next.size > 0 ? next : undefined
}

const mapsAnyPolicy = ({ mappings }: PolicyExtensions): boolean =>
  mappings !== undefined &&
  (mappings.has(anyPolicy) || [...mappings.values()].some(subjects => subjects.has(anyPolicy)))

/** RFC 5280 section 6.1.4 (b). */
function mapPolicies(state: State, { mappings }: PolicyExtensions): void {
  if (!state.level || !mappings) return
  const level = new Map(state.level)
  const any = level.get(anyPolicy)
  for (const [policy, expected] of mappings) {
    const node = level.get(policy)
    if (state.policyMapping === 0) level.delete(policy)
    else if (node) level.set(policy, { ...node, expected })
    else if (any) level.set(policy, { policy, expected, parents: any.parents })
  }
  state.level = level.size > 0 ? level : undefined
}

/** RFC 5280 section 6.1.4 (h), (i) and (j). */
function countDown(state: State, policy: PolicyExtensions, selfIssued: boolean): void {
  const step = selfIssued ? 0 : 1
  const next = (left: number, limit = Number.POSITIVE_INFINITY) => Math.min(Math.max(0, left - step), limit)
  state.explicitPolicy = next(state.explicitPolicy, policy.requireExplicitPolicy)
  state.policyMapping = next(state.policyMapping, policy.inhibitPolicyMapping)
  state.inhibitAnyPolicy = next(state.inhibitAnyPolicy, policy.inhibitAnyPolicy)
}

/** RFC 5280 section 6.1.5 (g): is a policy that the authorities agree on among the accepted ones? */
function meets(level: Level, accepted: readonly string[] = [anyPolicy]): boolean {
  if (accepted.includes(anyPolicy) || level.has(anyPolicy)) return accepted.length > 0
  const seen = new Set<PolicyNode>()
  const waiting = [...level.values()]
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (seen.has(node)) continue
    seen.add(node)
    const fromAny = node.parents.some(parent => parent.policy === anyPolicy)
    if (fromAny && accepted.includes(node.policy)) return true
    waiting.push(...node.parents)
  }
  return false
}
