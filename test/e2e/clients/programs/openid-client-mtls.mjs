// What a sender with openid-client and a certificate runs: discovery, tls_client_auth, a token, a call with it.
import { readFileSync } from 'node:fs'
import {
  clientCredentialsGrant,
  customFetch,
  discovery,
  fetchProtectedResource,
  TlsClientAuth,
} from 'openid-client'
import { Agent, fetch } from 'undici'

const { ISSUER, CLIENT_ID, CERTIFICATE_FILE, KEY_FILE, CA_FILE, FLOW_URL } = process.env
const [cert, key, ca] = [CERTIFICATE_FILE, KEY_FILE, CA_FILE].map(file => readFileSync(file, 'utf8'))
const dispatcher = new Agent({ connect: { cert, key, ca } })
const overMtls = (url, options) => fetch(url, { ...options, dispatcher })
const config = await discovery(
  new URL(ISSUER),
  CLIENT_ID,
  { use_mtls_endpoint_aliases: true },
  TlsClientAuth(),
  { algorithm: 'oauth2', [customFetch]: overMtls },
)
const token = await clientCredentialsGrant(config)
const answer = await fetchProtectedResource(config, token.access_token, new URL(FLOW_URL), 'POST', 'an order')
console.log(JSON.stringify({ ...token, status: answer.status }))
await dispatcher.close()
