import { z } from 'zod'

/** ISO 8601 in UTC. */
export const time = z.iso.datetime()
export const iso = (milliseconds: number): string => new Date(milliseconds).toISOString()
export const isoOrNull = (milliseconds: number | undefined): string | null =>
  milliseconds === undefined ? null : iso(milliseconds)

export const named = z.object({ name: z.string() })

/** For how long a credential is accepted beside its successor. */
export const overlapDays = z
  .int('must be a whole number of days')
  .min(0, 'must be 0 or more')
  .max(365, 'must be at most 365')

export const limitQuery = z.coerce.number().int().min(1).max(1000).default(100)

/** A check of a procedure, and what became of it. */
export const checkAnswer = z.object({
  name: z.string(),
  outcome: z.enum(['passed', 'failed', 'not reached']),
})
