// What a sender with oauth4webapi and a certificate runs: discovery, tls_client_auth at the addresses for mTLS, a call
// with the token, then introspection and revocation of it.
import { readFileSync } from 'node:fs'
import * as oauth from 'oauth4webapi'
import { Agent, fetch } from 'undici'

const { ISSUER, CLIENT_ID, CERTIFICATE_FILE, KEY_FILE, CA_FILE, FLOW_URL } = process.env
const [cert, key, ca] = [CERTIFICATE_FILE, KEY_FILE, CA_FILE].map(file => readFileSync(file, 'utf8'))
const dispatcher = new Agent({ connect: { cert, key, ca } })
const overMtls = { [oauth.customFetch]: (url, options) => fetch(url, { ...options, dispatcher }) }
const issuer = new URL(ISSUER)
const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...overMtls })
const server = await oauth.processDiscoveryResponse(issuer, discovered)
const client = { client_id: CLIENT_ID, use_mtls_endpoint_aliases: true }
const auth = oauth.TlsClientAuth()
const introspect = async token => {
  const answer = await oauth.introspectionRequest(server, client, auth, token, overMtls)
  return oauth.processIntrospectionResponse(server, client, answer)
}

const answer = await oauth.clientCredentialsGrantRequest(server, client, auth, {}, overMtls)
const token = await oauth.processClientCredentialsResponse(server, client, answer)
const { access_token } = token
const flow = new URL(FLOW_URL)
const called = await oauth.protectedResourceRequest(
  access_token,
  'POST',
  flow,
  undefined,
  'an order',
  overMtls,
)
const before = await introspect(access_token)
const revoked = await oauth.revocationRequest(server, client, auth, access_token, overMtls)
await oauth.processRevocationResponse(revoked)
const after = await introspect(access_token)
console.log(
  JSON.stringify({
    ...token,
    status: called.status,
    activeBefore: before.active,
    activeAfter: after.active,
  }),
)
await dispatcher.close()
