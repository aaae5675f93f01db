import { longestTokenLifetime } from '../clients/index.ts'
import { wrongNode } from '../nodes.ts'
import { Problem } from '../problem.ts'
import { clientIdOf, userOf } from './store.ts'

const shortestSecret = 16
const longestSecret = 256

const refuse = (description: string, hint?: string): Problem =>
  new Problem('invalid_input', description, hint === undefined ? {} : { hint })

/** Ids go into addresses, headers and HTTP Basic as they are: nothing that one of those would read otherwise. */
export function checkClientId(id: string): Problem | undefined {
  if (!/^[\x20-\x7e]{1,128}$/.test(id) || id.trim() !== id)
    return refuse(
      'a client id has 1 to 128 printable ASCII characters, without white space at either end',
      'Control characters and letters of other alphabets are not taken: not every sender writes them alike.',
    )
  const strange = /[:/\\%+]/.exec(id)?.[0]
  if (strange !== undefined)
    return refuse(
      `a client id holds no ${strange}`,
      strange === ':'
        ? 'In HTTP Basic the first colon ends the user name.'
        : 'Senders, proxies and forms read : / \\ % + in different ways.',
    )
  // The subject of a token must not look like the id of another client.
  if (clientIdOf(id) !== undefined) return refuse(`${id} is the name of a user: leave ${userOf('')} out`)
  return /^\.\.?$/.test(id) ? refuse(`${id} is no client id`) : undefined
}

/** A secret that a person chose. */
export function checkSecret(secret: string, clientId: string): Problem | undefined {
  const length = [...secret].length
  if (length < shortestSecret || length > longestSecret)
    return refuse(
      `a secret has ${shortestSecret} to ${longestSecret} characters (this one has ${length})`,
      'Leave it out, and one of 256 random bits is made.',
    )
  if (/\p{C}/u.test(secret)) return refuse('a secret holds no control characters')
  return secret === clientId ? refuse('the secret is the client id') : undefined
}

export function checkLifetime(seconds: number): Problem | undefined {
  if (seconds === 0)
    return refuse(
      'a token lifetime of 0 meant that tokens never expire, and may no longer be used',
      `Take 1 to ${longestTokenLifetime} seconds (180 days).`,
    )
  if (Number.isInteger(seconds) && seconds > 0 && seconds <= longestTokenLifetime) return undefined
  return refuse(`a token lifetime is a whole number of seconds, 1 to ${longestTokenLifetime} (180 days)`)
}

export function checkNode(node: string): Problem | undefined {
  const wrong = wrongNode(node)
  return wrong === undefined
    ? undefined
    : refuse(`subscription ${JSON.stringify(node).slice(0, 100)}: ${wrong}`)
}
