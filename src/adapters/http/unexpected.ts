import { Problem } from '../../core/problem.ts'
import type { Services } from './services.ts'

/** A bug, as a refusal: the caller learns nothing, the log everything. */
export function unexpected(thrown: unknown, { context }: Pick<Services, 'context'>): Problem {
  const { message, stack } = thrown as Error
  context.log.error({ error: message, stack }, 'unexpected error')
  return new Problem('internal', 'internal error', { reason: message })
}
