// What a sender with openid-client runs that signs assertions: discovery and a token, with the client's own defaults.
import { clientCredentialsGrant, discovery, PrivateKeyJwt } from 'openid-client'

const { ISSUER, CLIENT_ID, PRIVATE_JWK, ALG, ALGORITHM } = process.env
const { kid, ...jwk } = JSON.parse(PRIVATE_JWK)
const subtle = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  EdDSA: { name: 'Ed25519' },
}[ALG]
const key = await crypto.subtle.importKey('jwk', jwk, subtle, false, ['sign'])
const config = await discovery(new URL(ISSUER), CLIENT_ID, undefined, PrivateKeyJwt({ key, kid }), {
  algorithm: ALGORITHM,
})
// Each request takes an assertion of its own.
await clientCredentialsGrant(config)
const token = await clientCredentialsGrant(config, { scope: 'ESBMessaging.send' })
console.log(JSON.stringify({ ...token, expiresIn: token.expiresIn() }))
