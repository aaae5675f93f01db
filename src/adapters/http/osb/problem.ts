import type { ProblemCode } from '../../../core/problem.ts'
import { type Renderer, resourceProblem, statuses } from '../problems.ts'

/** Where the specification has another status than a protected resource in general. */
const ownStatuses: Partial<Record<ProblemCode, number>> = {
  // "Content Type": 400, not 415.
  unsupported_media_type: 400,
  // The instance is not there already; it cannot be had in the present state.
  limit_reached: 422,
}

/** Words that the specification gives (section Error Codes). */
const ownWords: Partial<Record<ProblemCode, string>> = {
  concurrency: 'ConcurrencyError',
  maintenance_info_conflict: 'MaintenanceInfoConflict',
}

const camelCase = (code: string): string =>
  code.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** Who uses a platform has no command line of ours, and knows somebody who has. */
const forUsers = (hint: string): string =>
  hint.includes('countersign ') ? `${hint} Such commands are for the operator of the service broker.` : hint

/** The errors of the Open Service Broker API: a word, and what to tell the person who waits. */
export const osbProblem: Renderer = (problem, envelope, realm) => {
  const status = ownStatuses[problem.code] ?? statuses[problem.code]
  const { 'WWW-Authenticate': _, ...headers } = resourceProblem(problem, envelope, realm).headers
  const toldAll = status !== 401 && status < 500
  return {
    status,
    headers: {
      ...headers,
      ...(status === 401 && { 'WWW-Authenticate': `Basic realm="${realm}", charset="UTF-8"` }),
    },
    body: {
      error: ownWords[problem.code] ?? camelCase(problem.code),
      description:
        toldAll && problem.hint ? `${problem.description}. ${forUsers(problem.hint)}` : problem.description,
      correlation_id: envelope.correlationId,
    },
  }
}
