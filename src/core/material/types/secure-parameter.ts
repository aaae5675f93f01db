import { text } from '../../schema.ts'
import { description, spelledMembers } from './members.ts'
import { materialType } from './type.ts'

const mostCharacters = 16_384

/** A text that is a secret, of any form. */
export const secureParameter = materialType({
  name: 'secure-parameter',
  schema: spelledMembers(
    {
      description,
      secureParam: text('the secret', value =>
        value.length >= 1 && value.length <= mostCharacters
          ? undefined
          : `has ${value.length} characters, write 1 to ${mostCharacters}`,
      ),
    },
    '{ secureParam }',
  ),
  show: ({ description }) => ({ description }),
})
