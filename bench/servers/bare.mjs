// The floor of an answer: node:http that reads the request and answers as many bytes as Countersign does. No check.
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { listen, options, ready } from './serve.mjs'

// Requests as large as those with tokens.
const { tokens, answerBytes } = options
const filler = () => randomBytes(480).toString('base64url')
if (tokens) writeFileSync(tokens.file, Array.from({ length: tokens.count }, filler).join('\n'))

const answer = JSON.stringify({ text: 'x'.repeat(answerBytes - '{"text":""}'.length) })
const socket = await listen((request, response) => {
  request.resume()
  request.on('end', () => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': answer.length })
    response.end(answer)
  })
})
ready({ port: socket.port, url: socket.url })
