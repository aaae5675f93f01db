import { z } from 'zod'
import { members, text } from '../../schema.ts'

/** The same name in the spellings of the described systems: `TokenServiceUrl`, `tokenServiceURL`, `Token Service URL`. */
const spelling = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '')

/** As `members`, and takes the names of its members in any of those spellings; twice the same is refused. */
export function spelledMembers<Shape extends z.core.$ZodLooseShape>(shape: Shape, example: string) {
  const known = new Map(Object.keys(shape).map(name => [spelling(name), name]))
  return z.preprocess(
    (given, check) => {
      if (typeof given !== 'object' || given === null || Array.isArray(given)) return given
      const read = new Map<string, unknown>()
      for (const [name, value] of Object.entries(given)) {
        const own = known.get(spelling(name)) ?? name
        if (read.has(own)) check.addIssue({ code: 'custom', message: `${own} is there twice` })
        read.set(own, value)
      }
      return Object.fromEntries(read)
    },
    members(shape, example),
  )
}

/** A text of 1 to `most` characters that can be seen. */
export const printableText = (example: string, most: number) =>
  text(example, value =>
    value.length <= most && /^\P{C}+$/u.test(value) && value.trim() !== ''
      ? undefined
      : `write 1 to ${most} printable characters`,
  )

/** A secret: kept as it is given. */
export const secretText = (example: string, most: number) =>
  text(example, value => {
    if (value.length > most) return `has ${value.length} characters, the limit is ${most}`
    return /^[^\p{Cc}]+$/u.test(value) ? undefined : 'write it without line breaks and control characters'
  })

export const description = printableText('Orders of the ERP', 1024).optional()
