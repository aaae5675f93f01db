import type { FastifyInstance } from 'fastify'
import { Problem } from '../../../core/problem.ts'

const mostBody = 512 * 1024
/** Searches are the deepest. */
const deepest = 8

/** A body that cannot be read, as the parser throws it. */
export class UnreadableBody extends Error {
  readonly problem: Problem
  constructor(code: 'unsupported_media_type' | 'invalid_input', description: string) {
    super(description)
    this.problem = new Problem(code, description, { check: 'request' })
  }
}

/** JSON that says so, or nothing at all. */
export function takeJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string', bodyLimit: mostBody }, (request, body, done) => {
    if (body === '') return done(null, undefined)
    if (!/^application\/json *(;|$)/i.test(request.headers['content-type'] ?? ''))
      return done(
        new UnreadableBody('unsupported_media_type', 'the body must be application/json'),
        undefined,
      )
    try {
      const read: unknown = JSON.parse(body as string)
      const wrong = wrongShape(read, deepest)
      if (wrong) return done(new UnreadableBody('invalid_input', wrong), undefined)
      done(null, read)
    } catch {
      done(new UnreadableBody('invalid_input', 'the body is not JSON'), undefined)
    }
  })
}

function wrongShape(value: unknown, levels: number): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (levels === 0) return 'the body is nested too deeply'
  // No document has such a member, and programs on the way read it in different ways.
  if (Object.hasOwn(value, '__proto__')) return '__proto__: is no known member'
  for (const one of Object.values(value)) {
    const wrong = wrongShape(one, levels - 1)
    if (wrong) return wrong
  }
  return undefined
}
