// Fastify with @fastify/http-proxy as its documentation writes it: no check, no log.
import httpProxy from '@fastify/http-proxy'
import Fastify from 'fastify'
import { options, ready } from './serve.mjs'

const app = Fastify({ logger: false })
await app.register(httpProxy, { upstream: options.receiver, prefix: '/http/bench' })
await app.listen({ port: 0, host: '127.0.0.1' })
const { port } = app.server.address()
ready({ port, url: `http://localhost:${port}` })
