import type { ProblemCode } from '../../../core/problem.ts'
import { oauthProblem, type Renderer } from '../problems.ts'

interface Row {
  readonly status: number
  readonly error: string
  readonly description: (value: string) => string
}

const row = (status: number, error: string, description: Row['description']): Row => ({
  status,
  error,
  description,
})

const badCredentials = row(401, 'unauthorized', () => 'Bad credentials')

/** What UAA says, word for word; by code, or by code and check. What is not here is said as the standard has it. */
const rows: Partial<Record<ProblemCode | `${ProblemCode}: ${string}`, Row>> = {
  invalid_client: badCredentials,
  no_credentials: badCredentials,
  bad_credentials: badCredentials,
  'invalid_request: grant type': row(400, 'invalid_request', () => 'Missing grant type'),
  unsupported_grant_type: row(400, 'unsupported_grant_type', () => 'Unsupported grant type'),
  unauthorized_client: row(401, 'invalid_client', () => 'Unauthorized grant type'),
  invalid_scope: row(
    400,
    'invalid_scope',
    scope => `${scope} is invalid. Please use a valid scope name in the request`,
  ),
  'invalid_token: token active': row(400, 'invalid_token', () => 'Invalid access token'),
  method_not_allowed: row(405, 'method_not_allowed', method => `Request method '${method}' not supported`),
}

/** A refusal in the words of UAA. */
export const uaaProblem: Renderer = (problem, envelope, realm) => {
  const rendered = oauthProblem(problem, envelope, realm)
  const said = rows[`${problem.code}: ${problem.check}`] ?? rows[problem.code]
  if (!said) return rendered
  const { status, error } = said
  const description = said.description(speakable(problem.value))
  return {
    status,
    headers: {
      ...rendered.headers,
      ...(status === 401 && {
        'WWW-Authenticate': `Basic realm="UAA/client", error="${error}", error_description="${description}"`,
      }),
    },
    body: { ...rendered.body, error, error_description: description },
  }
}

/** What was sent, as far as a description may hold it (RFC 6749 section 5.2). */
function speakable(value = ''): string {
  return value.slice(0, 100).replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?')
}
