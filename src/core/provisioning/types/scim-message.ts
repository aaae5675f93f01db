import { SystemFailure } from '../failure.ts'
import type { SystemAnswer } from '../http.ts'
import { type EntityType, isObject, type JsonObject } from '../transformation/index.ts'

/** RFC 7644 section 3.2. */
export const endpoints: Readonly<Record<EntityType, string>> = { user: '/Users', group: '/Groups' }

/** The body of an answer as a JSON object. Throws SystemFailure. */
export function objectIn(answer: SystemAnswer, system: string, what: string): JsonObject {
  try {
    const value: unknown = JSON.parse(answer.body)
    if (isObject(value)) return value
  } catch {
    // Said below.
  }
  const type = String(answer.headers['content-type'] ?? 'no type')
  throw new SystemFailure(
    `${system}: ${what} answered ${answer.status} with ${type}, which is not SCIM. Is the property URL right? It ends before /Users, most often in /scim/v2.`,
    { status: answer.status, fatal: true },
  )
}

/** A text in a filter (RFC 7644 section 3.4.2.2, JSON rules). */
export const quoted = (value: string): string => JSON.stringify(value)
