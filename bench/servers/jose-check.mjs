// A protected resource as jose's documentation writes it: node:http and jwtVerify against a local key set.
import { writeFile } from 'node:fs/promises'
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { loopMicroseconds } from './loop.mjs'
import { listen, options, ready } from './serve.mjs'

const role = 'ESBMessaging.send'
const { tokens } = options
const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
const kid = 'SB6bQ8nEYlYFf1QeYqVzJk2lY1v9mWm0nXo3d5rT7uA'
const keySet = createLocalJWKSet({
  keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }],
})
const socket = await listen()
const expected = { issuer: socket.url, audience: socket.url, typ: 'at+jwt', algorithms: ['ES256'] }
const clientId = 'sb-4f5c8d5e-0d5a-4c52-9b0a-2f3c1f0f8a11!b1|it-rt-default!b1'

const issue = () =>
  new SignJWT({ client_id: clientId, scope: role, cred: 'mZQ1c0o3W9nJrB5yXk7uTg.1' })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
    .setIssuer(socket.url)
    .setSubject(clientId)
    .setAudience(socket.url)
    .setIssuedAt()
    .setExpirationTime('1h')
    .setJti(crypto.randomUUID())
    .sign(privateKey)
const made = await Promise.all(Array.from({ length: tokens.count }, issue))
await writeFile(tokens.file, made.join('\n'))

const check = async authorization => {
  const { payload } = await jwtVerify(authorization.slice('Bearer '.length), keySet, expected)
  if (!payload.scope.split(' ').includes(role)) throw new Error('lacks the role')
}

const answer = '{"status":"ok"}'
socket.setListener(async (request, response) => {
  try {
    await check(request.headers.authorization)
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': answer.length })
    response.end(answer)
  } catch {
    response.writeHead(401, { 'WWW-Authenticate': 'Bearer', 'Content-Length': 0 })
    response.end()
  }
})

const authorizations = made.map(token => `Bearer ${token}`)
const admission = () => {
  let next = 0
  return loopMicroseconds(options.loopMs, () => check(authorizations[next++ % authorizations.length]))
}
ready({ port: socket.port, url: socket.url }, undefined, { admission })
