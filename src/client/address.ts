import { misconfigured } from './errors.ts'

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** The address as messages may show it: without query, which may hold something that is nobody's business. */
export function shown(url: URL): string {
  return `${url.origin}${url.pathname}`
}

/**
 * Parses an address of the configuration. https, or http to this machine; no user and password in it, because
 * they would be sent as a second credential; no fragment (RFC 6749 section 3.2).
 */
export function parseUrl(value: unknown, name: string, allowInsecure = false): URL {
  if (typeof value !== 'string' || !URL.canParse(value)) {
    throw misconfigured(`${name} must be a whole address such as https://host/oauth/token.`)
  }
  const url = new URL(value)
  if (url.username !== '' || url.password !== '') {
    throw misconfigured(`${name} must not hold a user name or password; give them to the auth method.`)
  }
  if (url.hash !== '') throw misconfigured(`${name} must not have a fragment (the part after #).`)
  checkUrl(url, allowInsecure, name)
  return url
}

/** Refuses what would send a credential readable over a network. */
export function checkUrl(url: URL, allowInsecure: boolean, name = 'The address'): void {
  if (url.protocol === 'https:') return
  if (url.protocol !== 'http:') throw misconfigured(`${name} ${shown(url)} is not an http address.`)
  if (allowInsecure || loopback.test(url.hostname)) return
  throw misconfigured(
    `${name} ${shown(url)} is plain http: the secret would travel readable. Use https, or set allowInsecure if the ` +
      'network between is protected in another way.',
  )
}
