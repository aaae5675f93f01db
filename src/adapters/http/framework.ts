import { Problem } from '../../core/problem.ts'
import type { Services } from './services.ts'
import { unexpected } from './unexpected.ts'

/** What the HTTP framework or a bug threw, as a refusal. */
export function asProblem(thrown: unknown, services: Pick<Services, 'context'>): Problem {
  const error = thrown as { code?: string; statusCode?: number; message?: string }
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new Problem('payload_too_large', 'the body is too large', { check: 'request' })
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new Problem('unsupported_media_type', 'this Content-Type is not supported', { check: 'request' })
  if (error.statusCode !== undefined && error.statusCode < 500)
    return new Problem('invalid_request', 'the request is not valid', {
      check: 'request',
      reason: error.message ?? 'refused by the HTTP framework',
    })
  return unexpected(thrown, services)
}
