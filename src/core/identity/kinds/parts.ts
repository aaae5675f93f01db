import { z } from 'zod'

/** A text that is not empty, of so many characters at most, without control characters. */
export const text = (most: number) =>
  z
    .string()
    .min(1, 'must not be empty')
    .max(most, `has at most ${most} characters`)
    .refine(value => !/\p{Cc}/u.test(value), 'has no control characters')

/** May be empty, or left out. */
export const description = z.string().max(1024, 'has at most 1024 characters').nullish()

export const nameOnly = { name: text(256), description }
