// What a sender with oauth4webapi runs: discovery, a token, introspection and revocation of its own token.
import * as oauth from 'oauth4webapi'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, METHOD, ALGORITHM } = process.env
const issuer = new URL(ISSUER)
const discovered = await oauth.discoveryRequest(issuer, { algorithm: ALGORITHM })
const server = await oauth.processDiscoveryResponse(issuer, discovered)
const client = { client_id: CLIENT_ID }
const auth = (METHOD === 'post' ? oauth.ClientSecretPost : oauth.ClientSecretBasic)(CLIENT_SECRET)
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
