// THE LIST of cases about certificates. The load comes from a Node client that shows one: wrk cannot.
import { join } from 'node:path'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { makeCertificates } from './certificates.mjs'

const must = (holds, what) => {
  if (!holds) throw new Error(what)
}

/** The same certificates for all sides of a case. */
const world = () => {
  const { server, sender } = makeCertificates()
  return { tls: { cert: server.cert, key: server.key }, ca: server.ca, sender }
}

const kept = { kept: true, connections: 64 }
const oneEach = { kept: false, connections: 16 }

const tokenRequest = path => server => ({
  method: 'POST',
  path,
  headers: {
    Host: server.url.replace('https://', ''),
    'Content-Type': 'application/x-www-form-urlencoded',
    Accept: 'application/json',
  },
  body: `grant_type=client_credentials&scope=ESBMessaging.send&client_id=${encodeURIComponent(server.clientId)}`,
})

/** Two different tokens, verified by jose from the published keys, bound where they should be. */
const verifiesTokens = (keysPath, isBound) => async (_, send) => {
  const keySet = createLocalJWKSet(JSON.parse((await send({ method: 'GET', path: keysPath })).text))
  const ids = new Set()
  for (let i = 0; i < 2; i++) {
    const { status, text } = await send()
    must(status === 200, `${status} ${text}`)
    const { payload } = await jwtVerify(JSON.parse(text).access_token, keySet)
    must(payload.scope === 'ESBMessaging.send', 'the token lacks the scope')
    must(Boolean(payload.cnf?.['x5t#S256']) === isBound, 'the token is bound, or should be')
    ids.add(payload.jti)
  }
  must(ids.size === 2, 'two tokens are the same')
  await refusesWithout(send)
}

const answers = async (_, send) => {
  const { status, text } = await send()
  must(status === 200 && text.length === 15, `${status} ${text}`)
}

const refusesWithout = async send => {
  const { status } = await send({ certificate: undefined })
  must(status === 401, `without the certificate the answer is ${status}`)
}

const loopMs = 1500

const countersign = (name, client, more = {}) => ({
  name,
  server: 'countersign',
  ours: true,
  client,
  options: ({ newDirectory, tls, sender }) => ({
    directory: newDirectory(),
    tls,
    mtls: { ...sender, bindTokens: true },
    loopMs,
  }),
  request: tokenRequest('/oauth/token'),
  verify: verifiesTokens('/token_keys', true),
  ...more,
})

/** A flow whose receiver answers at once. */
const flow = (name, authorization, verify) =>
  countersign(name, kept, {
    options: ({ newDirectory, tls, sender }) => ({
      directory: newDirectory(),
      tls,
      mtls: sender,
      forwarder: 'instant',
      tokens: { count: 1, file: join(newDirectory(), 'token') },
    }),
    request: server => ({
      method: 'GET',
      path: '/http/bench',
      headers: {
        Host: server.url.replace('https://', ''),
        Accept: 'application/json',
        ...authorization(server),
      },
    }),
    verify,
  })

/** Only a handshake, by a server that does nothing else. */
const bareHandshake = (name, server) => ({
  name,
  server,
  client: oneEach,
  options: ({ tls, sender }) => ({ tls, mtls: sender }),
})

const loop = (name, command) => countersign(name, undefined, { command })

export const certificateCases = [
  {
    name: 'mtls',
    title: 'ES256 JWT, bound, tls_client_auth on kept connections',
    goal: { kind: 'times', atLeast: 3 },
    world,
    sides: [
      countersign('Countersign', kept),
      {
        name: 'oidc-provider',
        server: 'oidc-provider',
        client: kept,
        options: ({ tls, sender }) => ({ tls, mtls: sender }),
        request: tokenRequest('/token'),
        verify: verifiesTokens('/jwks', true),
      },
      {
        name: 'node:https that signs',
        server: 'bare-signer',
        client: kept,
        options: ({ tls, sender }) => ({ tls, mtls: sender }),
        request: tokenRequest('/'),
        verify: async (_, send) => must((await send()).status === 200, 'no answer'),
      },
    ],
  },
  {
    name: 'handshake',
    title: 'Full TLS 1.3 handshake with a certificate, and one token',
    goal: { kind: 'within', atMost: 1.6, of: ['openssl s_server', 'token on a kept connection'] },
    world,
    sides: [
      countersign('Countersign', oneEach),
      bareHandshake('openssl s_server', 'openssl'),
      countersign('token on a kept connection', kept),
      bareHandshake('node:tls', 'bare-tls'),
    ],
  },
  {
    name: 'direct',
    title: 'A flow called with the certificate itself, receiver instant',
    goal: { kind: 'above', over: 'with a cached JWT', atMost: 10 },
    world,
    sides: [
      flow(
        'with the certificate',
        () => ({}),
        async (server, send) => {
          await answers(server, send)
          await refusesWithout(send)
        },
      ),
      flow('with a cached JWT', ({ token }) => ({ Authorization: `Bearer ${token}` }), answers),
    ],
  },
  {
    name: 'path',
    title: 'Is a certificate trusted: leaf, intermediate, root, all P-256',
    world,
    sides: [
      loop('as a kept connection asks', 'evaluateKept'),
      loop('as a new connection asks', 'evaluateNew'),
      loop('validated, already read', 'validate'),
      loop('read and validated', 'readAndValidate'),
      loop('its two signatures alone', 'signatures'),
    ],
  },
]
