import type { Problem } from '../problem.ts'
import type { DecisionCheck, DecisionRecord } from './decision.ts'
import { redact } from './redact.ts'

/** What the edge knows of a request that was refused. Never the query, a header or a body. */
export interface RequestFacts {
  readonly correlationId: string
  readonly callerCorrelationId: string | undefined
  readonly tenantId: string
  readonly at: number
  readonly surface: string
  readonly method: string
  readonly path: string
  readonly source: string
  readonly listener: string
  /** HTTP status of the answer. */
  readonly status: number
}

/** Makes the decision record of a refusal. `procedure` names the checks that its surface runs, in order. */
export function recordRefusal(
  problem: Problem,
  facts: RequestFacts,
  procedure: readonly string[],
): DecisionRecord {
  const { correlationId, ...rest } = facts
  return {
    ...rest,
    id: correlationId,
    path: redact(rest.path).slice(0, 500),
    code: problem.code,
    reason: redact(problem.reason),
    hint: problem.hint,
    clientId: problem.subject.clientId && redact(problem.subject.clientId).slice(0, 200),
    credentialId: problem.subject.credentialId,
    checks: markChecks(procedure, problem.check),
  }
}

/** Which checks passed, which one failed, and which were not reached. */
export function markChecks(procedure: readonly string[], failed: string | undefined): DecisionCheck[] {
  const at = failed === undefined ? procedure.length : procedure.indexOf(failed)
  if (at < 0) return [{ name: failed!, outcome: 'failed' }]
  return procedure.map((name, i) => ({
    name,
    outcome: i < at ? 'passed' : i === at ? 'failed' : 'not reached',
  }))
}
