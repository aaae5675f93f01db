// THE LIST of cases: what is started, what is sent, what counts as right, and the goal.
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'

const basic = ({ clientId, clientSecret }) =>
  `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64')}`

/** The same request for both sides, but for the path and the credential. */
const tokenRequest = path => server => ({
  method: 'POST',
  path,
  headers: {
    Host: server.url.replace(/^https?:\/\//, ''),
    Authorization: server.clientId ? basic(server) : 'Basic Og==',
    'Content-Type': 'application/x-www-form-urlencoded',
    Accept: 'application/json',
  },
  body: 'grant_type=client_credentials&scope=ESBMessaging.send',
})

const sender = generateKeyPairSync('ec', { namedCurve: 'P-256' })
/** What both sides know of the sender. */
const senderJwk = { ...sender.publicKey.export({ format: 'jwk' }), kid: 'sender', alg: 'ES256' }
const part = value => Buffer.from(JSON.stringify(value)).toString('base64url')
const assertionHeader = part({ alg: 'ES256', kid: 'sender', typ: 'JWT' })

/** A new assertion for each request (RFC 7523), of 5 minutes. */
const assertionOf = ({ clientId, url }) => {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: clientId, sub: clientId, aud: url, jti: randomUUID(), iat: now, exp: now + 300 }
  const input = `${assertionHeader}.${part(claims)}`
  const key = { key: sender.privateKey, dsaEncoding: 'ieee-p1363' }
  return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
}

const assertionType = encodeURIComponent('urn:ietf:params:oauth:client-assertion-type:jwt-bearer')

const assertedRequest = path => server => {
  const { headers, body, ...rest } = tokenRequest(path)(server)
  const { Authorization: _, ...others } = headers
  const asserted = `client_assertion_type=${assertionType}&client_assertion=${assertionOf(server)}`
  return { ...rest, headers: others, body: `${body}&${asserted}` }
}

const flowRequest = server => ({
  method: 'GET',
  path: '/http/bench',
  headers: { Host: server.url.replace(/^https?:\/\//, ''), Accept: 'application/json' },
})

const must = (holds, what) => {
  if (!holds) throw new Error(what)
}

/** Two tokens, both verified by jose from the published keys, and different. */
const verifiesTokens = (keysPath, alg) => async (_, send) => {
  const keySet = createLocalJWKSet(JSON.parse((await send({ method: 'GET', path: keysPath })).text))
  const ids = new Set()
  for (let i = 0; i < 2; i++) {
    const { access_token: token } = await theToken(send)
    must(decodeProtectedHeader(token).alg === alg, `the token is not signed by ${alg}`)
    const { payload } = await jwtVerify(token, keySet)
    must(payload.scope === 'ESBMessaging.send', 'the token lacks the scope')
    ids.add(payload.jti)
  }
  must(ids.size === 2, 'two tokens are the same')
}

/** Right tokens, and none for an assertion that was used before. */
const assertsOnce = (path, verify) => async (server, send) => {
  await verify(server, send)
  const { body } = assertedRequest(path)(server)
  must((await send({ body })).status === 200, 'a new assertion was refused')
  must((await send({ body })).status === 401, 'an assertion was taken twice')
}

const isOpaque = async (_, send) => {
  const tokens = [(await theToken(send)).access_token, (await theToken(send)).access_token]
  must(tokens[0] !== tokens[1] && !tokens[0].includes('.'), 'no two opaque tokens')
}

const theToken = async send => {
  const { status, text } = await send()
  must(status === 200, `${status} ${text}`)
  return JSON.parse(text)
}

const answersOrRefuses = length => async (_, send) => {
  const { status, text } = await send()
  must(status === 200 && text.length === length, `${status} and ${text.length} bytes`)
  const forged = await send({ forged: true })
  must(forged.status === 401, `a forged token got ${forged.status}`)
}

const answers = length => async (_, send) => {
  const { status, text } = await send()
  must(status === 200 && text.length === length, `${status} and ${text.length} bytes`)
}

const countersign = (name, options, more) => ({
  name,
  server: 'countersign',
  ours: true,
  options: world => ({ directory: world.newDirectory(), ...options, ...(world.tls && { tls: world.tls }) }),
  request: tokenRequest('/oauth/token'),
  ...more,
})

const oidcProvider = (name, options, verify) => ({
  name,
  server: 'oidc-provider',
  options: world => ({ ...options, ...(world.tls && { tls: world.tls }) }),
  request: tokenRequest('/token'),
  verify,
})

const loopMs = 1500
const thousandTokens = world => ({ count: 1000, file: join(world.newDirectory(), 'tokens') })

/** A guarded flow; `where` says what its receiver is. */
const guardedFlow = (name, where, length) =>
  countersign(
    name,
    {},
    {
      options: world => ({
        directory: world.newDirectory(),
        tokens: thousandTokens(world),
        loopMs,
        ...where(world),
        ...(world.tls && { tls: world.tls }),
      }),
      request: flowRequest,
      verify: answersOrRefuses(length),
    },
  )

export const cases = [
  {
    name: 'es256',
    title: 'ES256 JWT, client_secret_basic',
    goal: { kind: 'times', atLeast: 4 },
    tls: true,
    sides: [
      countersign('Countersign', {}, { verify: verifiesTokens('/token_keys', 'ES256') }),
      oidcProvider('oidc-provider', { algorithm: 'ES256' }, verifiesTokens('/jwks', 'ES256')),
      {
        name: 'node:http that signs',
        server: 'bare-signer',
        plainOnly: true,
        options: () => ({}),
        request: tokenRequest('/'),
        verify: async (_, send) => must((await send()).status === 200, 'no answer'),
      },
      {
        name: 'ES256 signature in a loop',
        server: 'signature',
        command: 'signature',
        options: () => ({ algorithm: 'ES256', loopMs }),
      },
    ],
  },
  {
    name: 'assertion',
    title: 'ES256 JWT, private_key_jwt with ES256, each assertion once',
    goal: { kind: 'times', atLeast: 3 },
    sides: [
      countersign(
        'Countersign',
        { senderJwk },
        {
          request: assertedRequest('/oauth/token'),
          once: true,
          verify: assertsOnce('/oauth/token', verifiesTokens('/token_keys', 'ES256')),
        },
      ),
      {
        ...oidcProvider('oidc-provider', { algorithm: 'ES256', senderJwk }),
        request: assertedRequest('/token'),
        once: true,
        verify: assertsOnce('/token', verifiesTokens('/jwks', 'ES256')),
      },
      {
        name: 'node:http that signs',
        server: 'bare-signer',
        options: () => ({}),
        request: tokenRequest('/'),
        verify: async (_, send) => must((await send()).status === 200, 'no answer'),
      },
    ],
  },
  {
    name: 'opaque',
    title: 'Opaque token, client_secret_basic',
    goal: { kind: 'times', atLeast: 4 },
    sides: [
      countersign(
        'Countersign',
        {},
        {
          request: server => {
            const request = tokenRequest('/oauth/token')(server)
            return { ...request, body: `${request.body}&token_format=opaque` }
          },
          verify: isOpaque,
        },
      ),
      oidcProvider('oidc-provider', { format: 'opaque' }, isOpaque),
      {
        name: 'node:http that only answers',
        server: 'bare',
        options: () => ({ answerBytes: 400 }),
        request: tokenRequest('/'),
        verify: answers(400),
      },
    ],
  },
  {
    name: 'rs256',
    title: 'RS256 JWT, client_secret_basic',
    // V8 optimizes what was called often: so many requests as the other cases answer before they are measured.
    warmUpTimes: 6,
    goal: { kind: 'above', over: 'RS256 signature in a loop', atMost: 50 },
    sides: [
      countersign('Countersign', { algorithm: 'RS256' }, { verify: verifiesTokens('/token_keys', 'RS256') }),
      oidcProvider('oidc-provider', { algorithm: 'RS256' }, verifiesTokens('/jwks', 'RS256')),
      {
        name: 'RS256 signature in a loop',
        server: 'signature',
        command: 'signature',
        options: () => ({ algorithm: 'RS256', loopMs }),
      },
    ],
  },
  {
    name: 'admission',
    title: 'Admission of a cached ES256 JWT at a flow, receiver instant',
    goal: { kind: 'times', atLeast: 5 },
    sides: [
      guardedFlow('Countersign', () => ({ forwarder: 'instant' }), 15),
      {
        name: 'node:http with jose',
        server: 'jose-check',
        options: world => ({ tokens: thousandTokens(world), loopMs }),
        request: flowRequest,
        verify: answersOrRefuses(15),
      },
      {
        name: 'node:http that only answers',
        server: 'bare',
        options: world => ({ answerBytes: 15, tokens: thousandTokens(world) }),
        request: flowRequest,
        verify: answers(15),
      },
    ],
  },
  {
    name: 'admit',
    title: 'The admission alone, without HTTP, in a loop',
    sides: [
      { ...guardedFlow('Countersign admit()', () => ({ forwarder: 'instant' })), command: 'admission' },
      {
        name: 'jose jwtVerify()',
        server: 'jose-check',
        command: 'admission',
        options: world => ({ tokens: thousandTokens(world), loopMs }),
      },
    ],
  },
  {
    name: 'forward',
    title: 'Check and forward to a receiver that answers 1 kB',
    goal: { kind: 'times', atLeast: 1.5 },
    tls: true,
    backend: true,
    sides: [
      guardedFlow('Countersign, with its check', world => ({ receiver: world.backend.url }), 1024),
      {
        name: '@fastify/http-proxy, no check',
        server: 'http-proxy',
        plainOnly: true,
        options: world => ({ receiver: world.backend.url }),
        request: flowRequest,
        verify: answers(1024),
      },
      {
        name: 'node:http and undici, no check',
        server: 'bare-forward',
        plainOnly: true,
        options: world => ({ receiver: world.backend.url, tokens: thousandTokens(world) }),
        request: flowRequest,
        verify: answers(1024),
      },
    ],
  },
]

/** Directories of one run. */
export const createWorld = base => ({
  newDirectory() {
    const directory = join(base, randomUUID())
    mkdirSync(directory)
    return directory
  },
})
