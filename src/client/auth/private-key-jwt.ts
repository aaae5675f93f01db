import { createPublicKey, hash, KeyObject } from 'node:crypto'
import { algorithm, algorithmNames, publicJwk } from '../../crypto/algorithms.ts'
import { type JwtSigner, jwtSigner } from '../../crypto/jwt.ts'
import { certificateThumbprint, jwkThumbprint } from '../../crypto/thumbprint.ts'
import { readCertificates, readPrivateKey } from '../certificate.ts'
import { misconfigured } from '../errors.ts'
import type { AuthRequest, ClientAuth } from './client-auth.ts'
import { required } from './client-auth.ts'

/** How a header names the certificate of the key (RFC 7515 section 4.1). */
export type CertificateHeader = 'x5t#S256' | 'x5t' | 'x5c'

export type AssertionOptions = {
  /** the private key: PEM, or a KeyObject */
  key: string | Buffer | KeyObject
  /** of an encrypted PEM */
  passphrase?: string | undefined
  /** RS256, PS256, ES256, ES384 or EdDSA; default: RS256 for RSA, else the one of the key's curve */
  algorithm?: string | undefined
  /** `kid`; default: the RFC 7638 thumbprint of the key, unless a certificate names it */
  keyId?: string | undefined
  /** the certificate of the key, with its intermediates if they are to be sent: PEM, or DER of one */
  certificate?: string | Buffer | undefined
  /** how the header names the certificate; default: `x5t#S256` */
  certificateHeaders?: readonly CertificateHeader[] | undefined
  /** `aud`; default: the issuer where it is known, else the token endpoint */
  audience?: string | ((request: Pick<AuthRequest, 'tokenUrl' | 'issuer'>) => string) | undefined
  /** `typ`; default: `JWT` */
  type?: string | undefined
  /** seconds, up to an hour; default: 60 */
  lifetime?: number | undefined
}

const bearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const longestLifetime = 3600

/**
 * A statement of the client about itself, signed with its own key (RFC 7523 section 2.2): `private_key_jwt`. Each
 * request gets a new one, because many servers take each once. Throws TokenError `invalid_configuration` for a key
 * that cannot be read, does not fit its algorithm, or is not that of the certificate.
 */
export function privateKeyJwt(clientId: string, options: AssertionOptions): ClientAuth {
  required(clientId, 'The client id')
  const { audience, lifetime = 60 } = options
  if (!(lifetime > 0 && lifetime <= longestLifetime))
    throw misconfigured(`lifetime must be a number of seconds up to ${longestLifetime}.`)
  const signer = signerOf(options)
  return request => {
    const { body, tokenUrl, issuer, now } = request
    const seconds = Math.floor(now / 1000)
    const assertion = signer.sign({
      iss: clientId,
      sub: clientId,
      aud: typeof audience === 'function' ? audience(request) : (audience ?? issuer ?? tokenUrl.href),
      jti: request.newId(),
      iat: seconds,
      nbf: seconds,
      exp: seconds + Math.ceil(lifetime),
    })
    request.hide(assertion)
    body.set('client_id', clientId)
    body.set('client_assertion_type', bearer)
    body.set('client_assertion', assertion)
  }
}

export type EntraCertificateOptions = Pick<AssertionOptions, 'key' | 'passphrase'> & {
  certificate: string | Buffer
  /** PS256 with a SHA-256 thumbprint (the default), or RS256 with SHA-1 as older setups want it */
  algorithm?: 'PS256' | 'RS256' | undefined
  /** send the certificate itself as well: for trust by subject and issuer */
  sendCertificate?: boolean | undefined
}

/**
 * An assertion as Microsoft Entra takes it: RSA, the thumbprint of the certificate in the header, for the token
 * endpoint, good for ten minutes.
 */
export function entraCertificate(
  clientId: string,
  { algorithm: name = 'PS256', sendCertificate = false, ...given }: EntraCertificateOptions,
): ClientAuth {
  const thumbprint = name === 'PS256' ? 'x5t#S256' : 'x5t'
  return privateKeyJwt(clientId, {
    ...given,
    algorithm: name,
    certificateHeaders: sendCertificate ? [thumbprint, 'x5c'] : [thumbprint],
    audience: ({ tokenUrl: { origin, pathname } }) => origin + pathname,
    lifetime: 600,
  })
}

function signerOf(options: AssertionOptions): JwtSigner {
  const key = readKey(options)
  const name = options.algorithm ?? defaultAlgorithm(key)
  const alg = algorithm(name)
  if (!alg) throw misconfigured(`algorithm must be one of ${algorithmNames.join(', ')}.`)
  if (!alg.fits(key))
    throw misconfigured(
      `The private key is not one for ${name}: it is ${key.asymmetricKeyType} (${keySize(key)}).`,
    )
  return jwtSigner(alg, key, { typ: options.type ?? 'JWT', ...keyName(key, options) })
}

function keyName(
  key: KeyObject,
  { certificate, certificateHeaders = ['x5t#S256'], keyId }: AssertionOptions,
): Record<string, unknown> {
  const kid = keyId !== undefined && { kid: keyId }
  if (certificate === undefined) return kid || { kid: jwkThumbprint(publicJwk(key)) }
  const chain = readCertificates(certificate)
  const { raw, publicKey } = chain[0]!
  if (!publicKey.equals(createPublicKey(key)))
    throw misconfigured(
      'The private key does not belong to the certificate: give the one of the first certificate.',
    )
  const headers: Record<CertificateHeader, () => unknown> = {
    'x5t#S256': () => certificateThumbprint(raw),
    x5t: () => hash('sha1', raw, 'base64url'),
    x5c: () => chain.map(one => one.raw.toString('base64')),
  }
  return { ...kid, ...Object.fromEntries(certificateHeaders.map(name => [name, headers[name]()])) }
}

function readKey({ key, passphrase }: AssertionOptions): KeyObject {
  if (key instanceof KeyObject) {
    if (key.type === 'private') return key
    throw misconfigured('The key must be a private one.')
  }
  return readPrivateKey(key, passphrase)
}

function defaultAlgorithm(key: KeyObject): string | undefined {
  return algorithmNames.find(name => name !== 'PS256' && algorithm(name)!.fits(key))
}

function keySize({ asymmetricKeyDetails: { modulusLength, namedCurve } = {} }: KeyObject): string {
  return namedCurve ?? (modulusLength === undefined ? 'of one size' : `${modulusLength} bits`)
}
