import { secretPrefix } from '../../crypto/secret.ts'
import { handlePrefix } from '../tokens/index.ts'

/**
 * Takes out of a text what looks like a secret or a token. Senders put them where names belong (id and secret
 * swapped, a token as the scheme), and records and logs repeat what was sent.
 */
export function redact(text: string): string {
  return text.replace(credential, '(a credential)')
}

const credential = new RegExp(
  `(?:${secretPrefix}|${handlePrefix}|eyJ)[A-Za-z0-9_-]{8,}(?:\\.[A-Za-z0-9_-]*)*`,
  'g',
)
