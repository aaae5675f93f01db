import { STATUS_CODES } from 'node:http'
import { type Renderer, resourceProblem, statuses } from '../problems.ts'

/** Clients of Camunda 8 know by it that they may come again. */
const exhausted = 'RESOURCE_EXHAUSTED'

/**
 * Problem details (RFC 9457), as the published OpenAPI has them. What to do about it is part of the detail.
 * `takesPasswords`: they are asked for, instead of a token.
 */
export const identityProblem =
  (takesPasswords: boolean): Renderer =>
  (problem, envelope, realm) => {
    const status = statuses[problem.code]
    const { 'WWW-Authenticate': ofToken, ...headers } = resourceProblem(problem, envelope, realm).headers
    const toldAll = status !== 401 && status < 500
    return {
      status,
      headers: {
        ...headers,
        ...(status === 401 && {
          'WWW-Authenticate':
            problem.code === 'invalid_token'
              ? ofToken!
              : takesPasswords
                ? `Basic realm="${realm}", charset="UTF-8"`
                : `Bearer realm="${realm}"`,
        }),
        'Content-Type': 'application/problem+json',
      },
      body: {
        type: 'about:blank',
        title: status === 503 ? exhausted : (STATUS_CODES[status] ?? 'Error'),
        status,
        detail: toldAll && problem.hint ? `${problem.description}. ${problem.hint}` : problem.description,
        instance: envelope.path ?? '/',
        correlation_id: envelope.correlationId,
      },
    }
  }
