import { text } from '../../schema.ts'
import { description, secretText, spelledMembers } from './members.ts'
import { materialType } from './type.ts'

const mostCharacters = 255

/** User and password, for HTTP Basic. */
export const user = materialType({
  name: 'user',
  schema: spelledMembers(
    {
      description,
      user: text('erp-user', wrongUser),
      password: secretText('the password', mostCharacters),
      /** SuccessFactors: calls are made as user@company. */
      companyId: text('ACME', wrongUser).optional(),
    },
    '{ user, password }',
  ),
  show: ({ description, user, companyId }) => ({ description, user, companyId }),
})

/** RFC 7617 section 2: a colon would end the user-id. */
function wrongUser(value: string): string | undefined {
  return value.length <= mostCharacters && /^[^\p{C}:]+$/u.test(value)
    ? undefined
    : `write 1 to ${mostCharacters} printable characters without a colon`
}
