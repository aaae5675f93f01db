// The floor of forwarding: node:http, and undici as Countersign uses it. No check.
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { listen, options, ready } from './serve.mjs'

// The product's own, not the one that a peer brought along.
const { Agent } = createRequire(new URL('../../package.json', import.meta.url))('undici')

const { tokens, receiver } = options
const filler = () => randomBytes(480).toString('base64url')
writeFileSync(tokens.file, Array.from({ length: tokens.count }, filler).join('\n'))

const agent = new Agent({ connections: 64 })
const message = { origin: receiver, path: '/', method: 'GET', headers: ['Accept', 'application/json'] }
const socket = await listen((_, response) => {
  agent.dispatch(message, {
    onRequestStart() {},
    onResponseStart: (_, status, headers) => void response.writeHead(status, headers),
    onResponseData: (_, chunk) => void response.write(chunk),
    onResponseEnd: () => void response.end(),
    onResponseError: (_, error) => void response.destroy(error),
  })
})
ready({ port: socket.port, url: socket.url })
