// A receiver that answers 1 kB.
import { listen, ready } from './serve.mjs'

const answer = Buffer.from(JSON.stringify({ text: 'x'.repeat(1013) }))
const socket = await listen((_, response) => {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': answer.length })
  response.end(answer)
})
ready({ port: socket.port, url: socket.url })
