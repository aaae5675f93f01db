import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { TLSSocket, TlsOptions } from 'node:tls'

export type Received = {
  method: string
  path: string
  headers: IncomingMessage['headers']
  form: URLSearchParams
  /** the body as it came */
  text: string
  /** common name of the client certificate, if one was shown */
  certificate: string | undefined
  /** port of the client's side: the same in two requests means the same connection */
  port: number
}
type Answer = { status?: number; headers?: Record<string, string>; body?: unknown }
/** An answer, or undefined when the handler has dealt with `response` itself (or will never answer). */
type Handler = (
  request: Received,
  response: ServerResponse,
) => Answer | undefined | Promise<Answer | undefined>

/** A foreign token server of a few lines on loopback, http or https; ends with the test. */
export async function tokenServer(t: TestContext, handler: Handler, tls?: TlsOptions) {
  const received: Received[] = []
  async function listener(incoming: IncomingMessage, response: ServerResponse) {
    const request = await read(incoming)
    received.push(request)
    const answer = await handler(request, response)
    if (answer === undefined) return
    const { status = 200, headers = {}, body = '' } = answer
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const origin = `${tls === undefined ? 'http' : 'https'}://localhost:${port}`
  return { origin, url: `${origin}/oauth/token`, received, server }
}

async function read(incoming: IncomingMessage): Promise<Received> {
  let body = ''
  for await (const chunk of incoming.setEncoding('utf8')) body += chunk
  const peer = (incoming.socket as TLSSocket).getPeerCertificate?.()
  const name = peer?.subject?.CN
  return {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers: incoming.headers,
    form: new URLSearchParams(body),
    text: body,
    certificate: Array.isArray(name) ? name[0] : name,
    port: incoming.socket.remotePort ?? 0,
  }
}

/** A good token answer; each call gives another token. */
export function tokenAnswer(more: Record<string, unknown> = {}): Answer {
  count += 1
  return { body: { access_token: `token-${count}`, token_type: 'bearer', expires_in: 3600, ...more } }
}
let count = 0

export type Certificates = Record<
  'ca' | 'serverCert' | 'serverKey' | 'clientCert' | 'clientKey' | 'strangerCert' | 'strangerKey',
  string
>

/** A private root, a server certificate for localhost, a client's, and one of a stranger: all by openssl. */
export function opensslCertificates(): Certificates {
  const dir = mkdtempSync(join(tmpdir(), 'client-test-'))
  const path = (name: string) => join(dir, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  const key = (name: string) => [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    path(`${name}.key`),
  ]
  const root = (name: string) =>
    openssl('req', '-x509', ...key(name), '-out', path(`${name}.pem`), '-days', '2', '-subj', `/CN=${name}`)
  const leaf = (name: string, extensions: string) => {
    openssl('req', '-new', ...key(name), '-out', path(`${name}.csr`), '-subj', `/CN=${name}`)
    writeFileSync(path(`${name}.ext`), extensions)
    const issuer = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial']
    const files = ['-in', path(`${name}.csr`), '-out', path(`${name}.pem`), '-extfile', path(`${name}.ext`)]
    openssl('x509', '-req', '-days', '2', ...issuer, ...files)
  }
  try {
    root('ca')
    root('stranger')
    leaf('server', 'subjectAltName=DNS:localhost')
    leaf('client', 'extendedKeyUsage=clientAuth')
    const text = (name: string) => readFileSync(path(name), 'utf8')
    return {
      ca: text('ca.pem'),
      serverCert: text('server.pem'),
      serverKey: text('server.key'),
      clientCert: text('client.pem'),
      clientKey: text('client.key'),
      strangerCert: text('stranger.pem'),
      strangerKey: text('stranger.key'),
    }
  } finally {
    rmSync(dir, { recursive: true })
  }
}
