import type { TestContext } from 'node:test'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose'
import { tokenServer } from './token-server.ts'

/** A signing key with its published half, made by jose. */
export type IssuerKey = { readonly alg: string; readonly privateKey: CryptoKey; readonly jwk: JWK }

export async function issuerKey(alg: string, kid: string): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, {
    extractable: true,
    ...(alg === 'EdDSA' && { crv: 'Ed25519' }),
  })
  return { alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** A JWT as jose signs it: `typ` at+jwt and the kid of the key, unless the header says otherwise. */
export function signed(
  key: IssuerKey,
  claims: Readonly<Record<string, unknown>>,
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: key.alg, typ: 'at+jwt', kid: key.jwk.kid ?? '', ...header })
    .sign(key.privateKey)
}

/**
 * A token server of a few lines that publishes metadata and keys on loopback; what it publishes can be changed.
 * `path` makes it a path issuer. `fetches` counts how often the keys were fetched.
 */
export async function issuerServer(t: TestContext, key: IssuerKey, path = '') {
  const state = {
    keys: [key.jwk] as readonly object[],
    cacheControl: 'public, max-age=900',
    down: false,
    fetches: 0,
    issuer: '',
    metadata: {} as Record<string, unknown>,
    metadataPath: `/.well-known/oauth-authorization-server${path}`,
  }
  const server = await tokenServer(t, ({ path: asked }) => {
    if (asked === '/keys') state.fetches++
    if (state.down) return { status: 503, body: {} }
    if (asked === '/keys')
      return { headers: { 'cache-control': state.cacheControl }, body: { keys: state.keys } }
    if (asked === state.metadataPath) return { body: state.metadata }
    return { status: 404, body: {} }
  })
  state.issuer = server.origin + path
  state.metadata = { issuer: state.issuer, jwks_uri: `${server.origin}/keys` }
  return { state, origin: server.origin, received: server.received, server: server.server }
}
