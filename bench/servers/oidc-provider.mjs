// oidc-provider with its own in-memory adapter, client credentials its only extra feature. No log, no metrics.
import { generateKeyPairSync } from 'node:crypto'
import { Provider } from 'oidc-provider'
import { listen, options, ready } from './serve.mjs'

const { algorithm = 'ES256', format = 'jwt' } = options
const jwk = (type, given, alg) => ({
  ...generateKeyPairSync(type, given).privateKey.export({ format: 'jwk' }),
  alg,
  kid: alg,
  use: 'sig',
})
const clientId = 'sb-4f5c8d5e-0d5a-4c52-9b0a-2f3c1f0f8a11!b1|it-rt-default!b1'
const clientSecret = 'cs_mZQ1c0o3W9nJrB5yXk7uTgE2fHdLsPvA8iCq4xRzYt6'
const scope = 'ESBMessaging.send'

const socket = await listen()
const provider = new Provider(socket.url, {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: algorithm,
    },
  ],
  jwks: {
    keys: [jwk('ec', { namedCurve: 'P-256' }, 'ES256'), jwk('rsa', { modulusLength: 2048 }, 'RS256')],
  },
  scopes: [scope],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
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
