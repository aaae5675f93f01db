// oidc-provider with its own in-memory adapter (also for the ids of assertions), client credentials its only extra feature
// (with `mtls` also tls_client_auth and bound tokens). No log, no metrics.
import { generateKeyPairSync } from 'node:crypto'
import { Provider } from 'oidc-provider'
import { listen, options, ready } from './serve.mjs'

const { algorithm = 'ES256', format = 'jwt', mtls, senderJwk } = options
const jwk = (type, given, alg) => ({
  ...generateKeyPairSync(type, given).privateKey.export({ format: 'jwk' }),
  alg,
  kid: alg,
  use: 'sig',
})
const clientId = 'sb-4f5c8d5e-0d5a-4c52-9b0a-2f3c1f0f8a11!b1|it-rt-default!b1'
const clientSecret = 'cs_mZQ1c0o3W9nJrB5yXk7uTgE2fHdLsPvA8iCq4xRzYt6'
const scope = 'ESBMessaging.send'

/** The handshake has verified the certificate; it is read once per connection. */
const certificates = new WeakMap()
const certificateOf = ({ socket }) => {
  if (!certificates.has(socket)) certificates.set(socket, socket.getPeerX509Certificate())
  return certificates.get(socket)
}

const socket = await listen()
const provider = new Provider(socket.url, {
  clients: [
    {
      client_id: clientId,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      ...(mtls
        ? {
            token_endpoint_auth_method: 'tls_client_auth',
            tls_client_auth_subject_dn: mtls.subject,
            tls_client_certificate_bound_access_tokens: true,
          }
        : senderJwk
          ? { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [senderJwk] } }
          : { token_endpoint_auth_method: 'client_secret_basic', client_secret: clientSecret }),
      id_token_signed_response_alg: algorithm,
    },
  ],
  jwks: {
    keys: [jwk('ec', { namedCurve: 'P-256' }, 'ES256'), jwk('rsa', { modulusLength: 2048 }, 'RS256')],
  },
  scopes: [scope],
  ...(mtls && { clientAuthMethods: ['tls_client_auth'] }),
  ...(senderJwk && { clientAuthMethods: ['private_key_jwt'] }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    ...(mtls && {
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        tlsClientAuth: true,
        getCertificate: certificateOf,
        certificateAuthorized: ctx => ctx.socket.authorized,
        certificateSubjectMatches: (ctx, _, expected) => certificateOf(ctx).subject === expected,
      },
    }),
    resourceIndicators: {
      enabled: true,
      defaultResource: () => socket.url,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope,
        audience: socket.url,
        accessTokenTTL: 3600,
        accessTokenFormat: format,
        ...(format === 'jwt' && { jwt: { sign: { alg: algorithm } } }),
      }),
    },
  },
})
socket.setListener(provider.callback())
ready({ port: socket.port, url: socket.url, clientId, clientSecret })
