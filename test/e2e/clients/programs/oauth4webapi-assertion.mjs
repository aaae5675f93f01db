// What a sender with oauth4webapi runs that signs assertions: a token, introspection and revocation of it.
import * as oauth from 'oauth4webapi'

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
const issuer = new URL(ISSUER)
const discovered = await oauth.discoveryRequest(issuer, { algorithm: ALGORITHM })
const server = await oauth.processDiscoveryResponse(issuer, discovered)
const client = { client_id: CLIENT_ID }
const auth = oauth.PrivateKeyJwt({ key, kid })
const introspect = async token => {
  const answer = await oauth.introspectionRequest(server, client, auth, token)
  return oauth.processIntrospectionResponse(server, client, answer)
}

const answer = await oauth.clientCredentialsGrantRequest(server, client, auth, { scope: 'ESBMessaging.send' })
const token = await oauth.processClientCredentialsResponse(server, client, answer)
const before = await introspect(token.access_token)
await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, auth, token.access_token))
const after = await introspect(token.access_token)
console.log(JSON.stringify({ ...token, activeBefore: before.active, activeAfter: after.active }))
