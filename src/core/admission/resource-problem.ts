import { Problem } from '../problem.ts'

/** A refusal of the client, in the words of a protected resource. */
export function asResourceProblem(problem: Problem): Problem {
  if (problem.code !== 'invalid_client') return problem
  const { reason, hint, check, subject } = problem
  return new Problem('bad_credentials', 'the credentials are not valid', {
    reason,
    subject,
    ...(hint && { hint }),
    ...(check && { check }),
  })
}
