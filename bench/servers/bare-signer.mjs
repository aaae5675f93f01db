// The floor: node:http that reads the body, signs one token with node:crypto and answers as large a body. No check.
import { generateKeyPairSync, sign } from 'node:crypto'
import { listen, ready } from './serve.mjs'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = { key: privateKey, dsaEncoding: 'ieee-p1363' }
const base64url = text => Buffer.from(text).toString('base64url')
const clientId = 'sb-4f5c8d5e-0d5a-4c52-9b0a-2f3c1f0f8a11!b1|it-rt-default!b1'
const jti = 'mZQ1c0o3W9nJrB5yXk7uTg'
const scope = 'ESBMessaging.send'
const socket = await listen((request, response) => {
  request.resume()
  request.on('end', () => {
    const iat = Math.floor(Date.now() / 1000)
    const claims = JSON.stringify({
      iss: socket.url,
      sub: clientId,
      client_id: clientId,
      aud: socket.url,
      exp: iat + 3600,
      iat,
      jti,
      scope,
      cred: `${jti}.1`,
    })
    const input = `${header}.${base64url(claims)}`
    const token = `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
    const answer = JSON.stringify({
      access_token: token,
      token_type: 'Bearer',
      expires_in: 3600,
      scope,
      jti,
    })
    response.writeHead(200, {
      'Content-Type': 'application/json;charset=UTF-8',
      'Content-Length': answer.length,
      'Cache-Control': 'no-store',
      Pragma: 'no-cache',
    })
    response.end(answer)
  })
})
const header = base64url(
  JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: 'SB6bQ8nEYlYFf1QeYqVzJk2lY1v9mWm0nXo3d5rT7uA' }),
)
ready({ port: socket.port, url: socket.url })
