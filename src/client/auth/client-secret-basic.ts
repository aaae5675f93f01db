import type { ClientAuth } from './client-auth.ts'
import { required } from './client-auth.ts'

/**
 * Client id and secret in the Authorization header. Both are form-urlencoded before base64 (RFC 6749 section
 * 2.3.1), so that ids with `:` or `|` and secrets with `%` or `+` arrive as they are.
 */
export function clientSecretBasic(clientId: string, clientSecret: string): ClientAuth {
  const id = formEncode(required(clientId, 'The client id'))
  const secret = formEncode(required(clientSecret, 'The client secret'))
  const credentials = Buffer.from(`${id}:${secret}`).toString('base64')
  return request => {
    for (const value of [clientSecret, secret, credentials]) request.hide(value)
    request.headers.authorization = `Basic ${credentials}`
  }
}

/** application/x-www-form-urlencoded of one value (RFC 6749 appendix B). */
function formEncode(value: string): string {
  return new URLSearchParams({ '': value }).toString().slice(1)
}
