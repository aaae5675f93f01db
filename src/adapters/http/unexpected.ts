import { Problem } from '../../core/problem.ts'
import type { Services } from './services.ts'

/** Lost connections as node:net, PostgreSQL (classes 08 and 57P) and its driver call them. */
const databaseGone =
  /^(ECONN(REFUSED|RESET)|EPIPE|08\d{3}|57P\d{2}|Connection terminated.*|timeout exceeded when trying to connect|Query read timeout)$/

/** PostgreSQL's character_not_in_repertoire: NUL, in what somebody who may do so has asked to write. */
const notStorable = '22021'

/** A bug or a lost database, as a refusal: the caller learns nothing, the log everything. */
export function unexpected(thrown: unknown, { context }: Pick<Services, 'context'>): Problem {
  const { message, stack, code = '' } = thrown as Error & { code?: string }
  if (databaseGone.test(code) || databaseGone.test(message)) {
    context.log.warn({ error: message }, 'the database cannot be reached')
    return new Problem('unavailable', 'temporarily unavailable', {
      reason: message,
      hint: 'Is the database up, and can this node reach it?',
    })
  }
  if (code === notStorable)
    return new Problem('invalid_input', 'a text has a character that cannot be stored', { reason: message })
  context.log.error({ error: message, stack }, 'unexpected error')
  return new Problem('internal', 'internal error', { reason: message })
}
