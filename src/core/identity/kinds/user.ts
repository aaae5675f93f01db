import { z } from 'zod'
import { wrongCommonId } from './ids.ts'
import type { Kind } from './kind.ts'

const details = {
  name: z.string().max(256, 'has at most 256 characters').nullish(),
  email: z
    .string()
    .max(256, 'has at most 256 characters')
    .refine(value => value === '' || /^[^\s@]+@[^\s@]+$/.test(value), 'is no address of e-mail')
    .nullish(),
}

const leastPassword = 8

/** Who signs in with a password. It is kept as argon2id, and never shown. */
export const user: Kind = {
  kind: 'user',
  plural: 'users',
  title: 'user',
  resourceType: 'USER',
  idField: 'username',
  wrongId: wrongCommonId,
  create: z.strictObject({
    ...details,
    password: z
      .string()
      .min(leastPassword, `has at least ${leastPassword} characters`)
      .max(1024, 'has at most 1024 characters'),
  }),
  update: z.strictObject({
    ...details,
    // Empty: as it was.
    password: z
      .string()
      .refine(
        value => value === '' || value.length >= leastPassword,
        `has at least ${leastPassword} characters, or none to stay as it is`,
      )
      .max(1024, 'has at most 1024 characters')
      .nullish(),
  }),
  view: ({ id, content }) => ({ username: id, name: content.name ?? '', email: content.email ?? '' }),
  filterFields: ['username', 'name', 'email'],
  sortFields: ['username', 'name', 'email'],
}
