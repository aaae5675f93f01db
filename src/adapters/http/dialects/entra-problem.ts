import { entraErrors } from '../../../core/entra-errors.ts'
import type { ProblemCode } from '../../../core/problem.ts'
import { oauthProblem, type Renderer } from '../problems.ts'

/** For refusals that are no dialect's own. */
const numbers: Partial<Record<ProblemCode, number>> = {
  method_not_allowed: 900561,
  too_many_failures: 90055,
  unavailable: 90033,
  internal: 50000,
}
const malformed = 9002313

/**
 * A refusal as libraries of Microsoft read it: they show `error_codes` and `timestamp`, and look for the number in the
 * description. `errorPage`: where a number is explained.
 */
export const entraRenderer =
  (errorPage?: string): Renderer =>
  (problem, envelope, realm) => {
    const rendered = oauthProblem(problem, envelope, realm)
    const number = problem.number ?? numbers[problem.code] ?? malformed
    const { error = problem.number === undefined ? rendered.body.error : problem.code, text } =
      entraErrors[number]!
    const said =
      problem.number === undefined && numbers[problem.code] ? text(problem.value ?? '') : problem.description
    const { correlationId: id } = envelope
    const timestamp = `${new Date(envelope.receivedAt ?? 0).toISOString().slice(0, 19).replace('T', ' ')}Z`
    return {
      ...rendered,
      body: {
        error,
        error_description: `AADSTS${number}: ${said}\r\nTrace ID: ${id}\r\nCorrelation ID: ${id}\r\nTimestamp: ${timestamp}`,
        error_codes: [number],
        timestamp,
        trace_id: id,
        correlation_id: id,
        ...(errorPage !== undefined && { error_uri: `${errorPage}?code=${number}` }),
      },
    }
  }
