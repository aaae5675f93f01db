import type { FastifyInstance } from 'fastify'
import { Problem } from '../../../core/problem.ts'

const mostBody = 128 * 1024
/** Parameters that mean something are flat. */
const deepest = 20

/** A body that is no JSON, as the parser throws it. */
export class BodyProblem extends Error {
  readonly problem: Problem
  constructor(description: string) {
    super(description)
    this.problem = new Problem('invalid_request', description, { check: 'request' })
  }
}

/** JSON, with or without saying so (section Content Type). */
export function takeJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string', bodyLimit: mostBody }, (request, body, done) => {
    const type = request.headers['content-type']
    if (type !== undefined && !/^application\/json *(;|$)/i.test(type))
      return done(new BodyProblem('the body must be application/json'), undefined)
    try {
      const read: unknown = body === '' ? undefined : JSON.parse(body as string)
      if (isDeeper(read, deepest)) return done(new BodyProblem('the body is nested too deeply'), undefined)
      done(null, read)
    } catch {
      done(new BodyProblem('the body is not JSON'), undefined)
    }
  })
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some(one => isDeeper(one, levels - 1))
}
