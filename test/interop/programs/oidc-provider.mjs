// A token server of others, over TLS: oidc-provider with a client for each way to prove oneself, and bound tokens where
// a certificate is shown. The starter gives its options as JSON; the end of the input is the sign to stop.
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:https'
import { Provider } from 'oidc-provider'

const { tls, clientRoot, jwks, certificateSubject } = JSON.parse(process.argv[2])
let listener
const server = createServer(
  { ...tls, requestCert: true, rejectUnauthorized: false, ca: clientRoot },
  (request, response) => listener(request, response),
)
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
const issuer = `https://localhost:${server.address().port}`
const signing = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const scope = 'orders.read'

const client = (id, method, more) => ({
  client_id: id,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  id_token_signed_response_alg: 'ES256',
  token_endpoint_auth_method: method,
  scope,
  ...more,
})
const client_secret = 'secret-of-32-characters-at-least!'

const certificateOf = ctx => {
  const certificate = ctx.socket.getPeerX509Certificate()
  return certificate?.raw ? certificate : undefined
}
listener = new Provider(issuer, {
  clients: [
    client('basic', 'client_secret_basic', { client_secret }),
    client('post', 'client_secret_post', { client_secret }),
    client('signer', 'private_key_jwt', { jwks }),
    client('holder', 'tls_client_auth', {
      tls_client_auth_subject_dn: certificateSubject,
      tls_client_certificate_bound_access_tokens: true,
    }),
  ],
  jwks: { keys: [{ ...signing, alg: 'ES256', kid: 'signing', use: 'sig' }] },
  scopes: [scope],
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'tls_client_auth'],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      tlsClientAuth: true,
      getCertificate: certificateOf,
      certificateAuthorized: ctx => ctx.socket.authorized,
      certificateSubjectMatches: (ctx, _, expected) => certificateOf(ctx)?.subject === expected,
    },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'https://orders.example',
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, resource) => ({
        scope,
        audience: resource,
        accessTokenTTL: 600,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
}).callback()

process.stdin.on('end', () => process.exit(0)).resume()
process.stdout.write(`${JSON.stringify({ issuer, client_secret })}\n`)
