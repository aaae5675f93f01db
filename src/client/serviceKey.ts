import type { KeyObject } from 'node:crypto'
import { publicJwk } from '../crypto/algorithms.ts'
import { jwkThumbprint } from '../crypto/thumbprint.ts'
import type { ClientAuth } from './auth/index.ts'
import { clientSecretBasic, privateKeyJwt, tlsClientAuth } from './auth/index.ts'
import { clientCertificate, readPrivateKey } from './certificate.ts'
import { misconfigured } from './errors.ts'
import type { TlsOptions } from './http.ts'
import { certificateFromPkcs12 } from './pkcs12.ts'
import type { TokenClient } from './token-client.ts'
import { createTokenClient } from './token-client.ts'
import type { TokenClientOptions } from './token-client-options.ts'

/** A service key, whatever shape it came in. PEM texts have real line breaks. */
export type ServiceKey = {
  clientId: string
  clientSecret?: string
  /** PEM, the client's own certificate first, then those that issued it */
  certificate?: string
  /** PEM; missing when the certificate was brought by its owner, who has the private key */
  key?: string
  /** the public keys of the sender, who signs assertions with a private half of its own */
  jwks?: { readonly keys: readonly Members[] }
  /** where the sender publishes them */
  jwksUri?: string
  tokenUrl: string
  /** base address of what the token is for; a bare XSUAA binding has none */
  url?: string
  certificateDetails?: { issuerdn?: string; subjectdn?: string; validuntil?: string; serialnumber?: string }
  /** ISO 8601, where the key says when it was made */
  createDate?: string
}

type Members = Record<string, unknown>

/** Wrappers met around keys: Cloud Foundry's answer, and the key itself. */
const wrappers = ['credentials', 'oauth']

/**
 * Reads a parsed service key: flat (`clientid`, `clientsecret` or `certificate` and `key`, `tokenurl`, `url`),
 * wrapped as `{"oauth": {...}}`, with the camelCase names of API Management, or an XSUAA binding, whose `url` or
 * `certurl` is the token server's base. Throws TokenError `invalid_configuration` that names the missing member.
 */
export function readServiceKey(json: unknown): ServiceKey {
  const members = unwrap(json)
  const text = (...names: string[]) => textMember(members, names)
  const clientId = text('clientid', 'clientId')
  if (clientId === undefined) throw missing('clientid', members)
  const clientSecret = text('clientsecret', 'clientSecret')
  const certificate = text('certificate')
  const privateKey = text('key', 'privateKey')
  const jwks = members.jwks
  const jwksUri = text('jwks_uri')
  const signs = isKeySet(jwks) || jwksUri !== undefined
  if (clientSecret === undefined && certificate === undefined && !signs && !isX509(members)) {
    throw missing('clientsecret (or certificate and key)', members)
  }
  const createDate = text('createdate', 'createDate')
  const details = members.certificatedetails
  return {
    clientId,
    ...addresses(text, clientSecret === undefined && !signs, members),
    ...(clientSecret === undefined ? {} : { clientSecret }),
    ...(certificate === undefined ? {} : { certificate: realLines(certificate) }),
    ...(privateKey === undefined ? {} : { key: realLines(privateKey) }),
    ...(isObject(details)
      ? { certificateDetails: details as NonNullable<ServiceKey['certificateDetails']> }
      : {}),
    ...(isKeySet(jwks) ? { jwks } : {}),
    ...(jwksUri === undefined ? {} : { jwksUri }),
    ...(createDate === undefined ? {} : { createDate }),
  }
}

export type ServiceKeyClientOptions = Omit<TokenClientOptions, 'tokenUrl' | 'auth'> & {
  /** default: by the key, client_secret_basic, its certificate, or an assertion */
  auth?: ClientAuth | undefined
  /** the private half of a key that holds public ones: PEM */
  signingKey?: { key: string | Buffer; passphrase?: string | undefined } | undefined
}

/**
 * A token client for a service key. Give `tls.ca` for a private root, and `tls.key` (or `tls.pfx`) where the key
 * holds no private key. `tls.cert` replaces the certificates of the key: where the key holds the leaf alone, its
 * intermediates are needed as well.
 */
export function tokenClientFromServiceKey(
  key: ServiceKey,
  options: ServiceKeyClientOptions = {},
): TokenClient {
  const { signingKey, auth = authOf(key, options), ...rest } = options
  return createTokenClient({ ...rest, tokenUrl: key.tokenUrl, auth })
}

function authOf(
  key: ServiceKey,
  { tls, signingKey }: Pick<ServiceKeyClientOptions, 'tls' | 'signingKey'>,
): ClientAuth {
  if (key.clientSecret !== undefined) return clientSecretBasic(key.clientId, key.clientSecret)
  if (signsAssertions(key)) return signed(key, signingKey)
  return tlsClientAuth(key.clientId, certificateOfServiceKey(key, tls))
}

/** Does the key hold public keys, so that its sender signs assertions? */
export const signsAssertions = ({ jwks, jwksUri }: ServiceKey): boolean =>
  jwks !== undefined || jwksUri !== undefined

/** For the issuer, of which the token endpoint of a service key is the usual child. */
function signed(
  { clientId, jwks, tokenUrl }: ServiceKey,
  signingKey: ServiceKeyClientOptions['signingKey'],
): ClientAuth {
  if (signingKey === undefined) {
    throw misconfigured(
      'The service key holds public keys: give the private half of one of them as signingKey.',
    )
  }
  const key = readPrivateKey(signingKey.key, signingKey.passphrase)
  const audience = tokenUrl.replace(/\/oauth\/token$/, '')
  const { kid, alg } = (jwks && memberOf(jwks, key)) ?? {}
  return privateKeyJwt(clientId, {
    key,
    audience,
    ...(typeof kid === 'string' && { keyId: kid }),
    ...(typeof alg === 'string' && { algorithm: alg }),
  })
}

/** The member of a set that is the public half of a key. */
function memberOf({ keys }: NonNullable<ServiceKey['jwks']>, key: KeyObject): Members {
  const thumbprint = jwkThumbprint(publicJwk(key))
  const own = keys.find(jwk => thumbprintOf(jwk) === thumbprint)
  if (own === undefined) throw misconfigured('The private key is not that of any key in the service key.')
  return own
}

function thumbprintOf(jwk: Members): string | undefined {
  try {
    return jwkThumbprint(jwk)
  } catch {
    // A kind of key that this library cannot sign with.
    return undefined
  }
}

/**
 * TLS options with which a connection shows the certificate of a service key: for calls that need no token. What
 * the key does not hold comes from `own`, as for `tokenClientFromServiceKey`. Throws TokenError
 * `invalid_configuration` that says what to give.
 */
export function certificateOfServiceKey(key: ServiceKey, own: TlsOptions = {}): TlsOptions {
  if (own.pfx !== undefined) {
    return certificateFromPkcs12(own.pfx, { passphrase: own.passphrase ?? '' }).certificate
  }
  const certificates = own.cert ?? key.certificate
  const privateKey = own.key ?? key.key
  if (certificates === undefined) {
    throw misconfigured(
      key.clientSecret === undefined
        ? 'The service key hides its certificate: give certificate and private key as tls.cert and tls.key.'
        : 'The service key holds a secret and no certificate.',
    )
  }
  if (privateKey === undefined) {
    throw misconfigured(
      'The service key holds a certificate but no private key (you brought the certificate): give your private ' +
        'key as tls.key.',
    )
  }
  return clientCertificate(certificates, privateKey, own.passphrase)
}

/** `tokenurl` is whole; without it this is an XSUAA binding, whose addresses are bases. */
function addresses(
  text: (...names: string[]) => string | undefined,
  byCertificate: boolean,
  members: Members,
) {
  const tokenUrl = text('tokenurl', 'tokenUrl')
  const url = text('url')
  if (tokenUrl !== undefined) {
    if (!URL.canParse(tokenUrl)) throw misconfigured('The member tokenurl of the service key is no address.')
    return { tokenUrl, ...(url === undefined ? {} : { url }) }
  }
  const name = byCertificate ? 'certurl' : 'url'
  const base = byCertificate ? text('certurl') : url
  if (base === undefined) throw missing(byCertificate ? 'tokenurl (or certurl)' : 'tokenurl', members)
  if (!URL.canParse(base)) throw misconfigured(`The member ${name} of the service key is no address.`)
  const { origin, pathname, search } = new URL(base)
  if (pathname !== '/' || search !== '') {
    throw misconfigured(
      `The service key has no member tokenurl, and its ${name} has a path, so the token address cannot be told ` +
        'from it. Copy the key again, whole.',
    )
  }
  return { tokenUrl: `${origin}/oauth/token` }
}

function unwrap(json: unknown): Members {
  if (!isObject(json)) {
    throw misconfigured(
      'A service key is a JSON object: parse the file first, and check that it is the whole key.',
    )
  }
  const wrapper = wrappers.find(name => isObject(json[name]))
  return wrapper === undefined ? json : unwrap(json[wrapper])
}

function textMember(members: Members, names: string[]): string | undefined {
  const name = names.find(each => Object.hasOwn(members, each) && members[each] !== null)
  if (name === undefined) return undefined
  const value = members[name]
  if (typeof value === 'string' && value.trim() !== '') return value
  throw misconfigured(`The member ${name} of the service key must be a text that is not empty.`)
}

function missing(name: string, members: Members): Error {
  const present = Object.keys(members).slice(0, 20).join(', ')
  return misconfigured(`The service key has no member ${name}. It has: ${present || 'nothing'}.`)
}

/** XSUAA may leave the certificate out (`hide-certificate`) and then only says what kind of key it is. */
function isX509(members: Members): boolean {
  return members['credential-type'] === 'x509'
}

function isKeySet(value: unknown): value is NonNullable<ServiceKey['jwks']> {
  return isObject(value) && Array.isArray(value.keys) && value.keys.every(isObject)
}

/** Keys that were copied out of JSON by hand carry `\n` as two characters. */
function realLines(pem: string): string {
  return pem.replaceAll('\\r', '').replaceAll('\\n', '\n')
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
