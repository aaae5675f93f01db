import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { readConfig } from '../../../src/app/config.ts'
import { openToGroup, prepareProxySocket, proxyListener } from '../../../src/app/proxy-listener.ts'
import type { DecisionRecord } from '../../../src/core/explain/index.ts'
import { documentedHeader, type LoadBalancer, type ProxyFiles, startProxy } from '../../support/proxies.ts'
import { type Receiver, startReceiver } from '../../support/receiver.ts'
import { newRoot, type Sender } from '../../support/senders.ts'
import {
  type Answer,
  type CallOptions,
  callUrl,
  startTestServer,
  type TestServer,
} from '../../support/server.ts'

/** A documented way to put a load balancer in front. */
export interface SetUp {
  readonly program: 'nginx' | 'haproxy'
  /** In docs/load-balancer.md. */
  readonly heading: string
  readonly over: 'socket' | 'port'
  /** COUNTERSIGN_PROXY_HEADER there. */
  readonly header: string
  /** Does it hand on what the sender sent beside its own certificate? */
  readonly sendsChain: boolean
}

export const setUps: readonly SetUp[] = (
  [
    ['nginx', 'nginx on the same machine', 'socket', false],
    ['nginx', 'nginx on another machine', 'port', false],
    ['haproxy', 'HAProxy on the same machine', 'socket', false],
    ['haproxy', 'HAProxy on another machine', 'port', true],
  ] as const
).map(([program, heading, over, sendsChain]) => ({
  program,
  heading,
  over,
  sendsChain,
  header: documentedHeader(heading),
}))

/** Countersign with a proxy listener, a flow with its receiver. */
export interface ProxiedServer {
  readonly server: TestServer
  readonly receiver: Receiver
  readonly upstream: { readonly path: string } | { readonly port: number }
  /** Sends bytes to the proxy listener as a load balancer would; resolves to what came back. */
  asProxy(text: string): Promise<string>
  /** Why peers of the proxy listener were refused, by the log. */
  refusals(): readonly string[]
  close(): Promise<void>
}

/** Whose certificates prove load balancers, and one of them. */
export const proxies = newRoot('Load balancers')
export const ourProxy = proxies.issue({ cn: 'load balancer' })

/** Where a test listens for load balancers. */
export async function startProxied(
  over: SetUp['over'],
  header: string,
  given?: TestServer,
): Promise<ProxiedServer> {
  const server = given ?? (await startTestServer())
  const receiver = await startReceiver()
  const directory = mkdtempSync(join(tmpdir(), 'countersign-proxied-'))
  const caFile = join(directory, 'ca.pem')
  writeFileSync(caFile, proxies.pem)
  const { proxy } = readConfig({
    env: {
      COUNTERSIGN_PROXY_LISTEN: over === 'socket' ? `unix:${join(directory, 'socket')}` : '127.0.0.1:1',
      COUNTERSIGN_PROXY_HEADER: header,
      ...(over === 'port' && { COUNTERSIGN_PROXY_CA_FILE: caFile }),
    },
    cwd: directory,
    processors: 1,
  })
  const { listen } = proxy!
  await prepareProxySocket(proxy!)
  const { socket } = proxyListener(proxy!, server.identity, server.server, server.server.services.context)
  await new Promise<void>(resolve =>
    socket.listen('path' in listen ? listen : { host: listen.host, port: 0 }, () => resolve()),
  )
  if ('path' in listen) await openToGroup(listen.path)
  await server.deploy({
    id: 'orders',
    name: 'Orders',
    sender: { adapter: 'HTTPS', address: '/orders' },
    receiver: { adapter: 'HTTP', url: `${receiver.origin}/` },
  })
  return {
    server,
    receiver,
    upstream: 'path' in listen ? listen : { port: (socket.address() as AddressInfo).port },
    asProxy: text =>
      sendUntilClosed(
        'path' in listen
          ? connect({ path: listen.path })
          : connectTls({
              host: 'localhost',
              port: (socket.address() as AddressInfo).port,
              ca: server.ca,
              ...ourProxy.credential,
            }),
        text,
      ),
    refusals: () =>
      server.log
        .filter(({ message }) => message.startsWith('a proxy was refused'))
        .map(({ fields }) => String(fields.reason)),
    async close() {
      socket.close()
      socket.closeAllConnections()
      await receiver.close()
      await server.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Writes, and waits until the other side has hung up. */
export function sendUntilClosed(socket: Socket, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    socket.setEncoding('latin1').on('data', (part: string) => {
      answer += part
    })
    socket.once('error', reject).once('end', () => resolve(answer))
    socket.write(text)
  })
}

/** Starts the load balancer of this set-up; `as` is whose certificate it shows to Countersign. */
export function startDocumented(
  { program, heading, over }: SetUp,
  { server, upstream }: ProxiedServer,
  as: Sender = ourProxy,
): Promise<LoadBalancer> {
  const { cert, key } = server.identity
  const own: ProxyFiles =
    program === 'nginx'
      ? { 'server.pem': cert, 'server-key.pem': key }
      : { 'server.pem': cert + key, 'senders-ca.pem': server.ca }
  const towards: ProxyFiles =
    program === 'nginx'
      ? { 'proxy.pem': as.credential.cert, 'proxy-key.pem': as.credential.key }
      : { 'proxy.pem': as.credential.cert + as.credential.key }
  return startProxy(
    program,
    heading,
    { ...own, ...(over === 'port' && { ...towards, 'countersign-ca.pem': server.ca }) },
    upstream,
  )
}

export type Credential = { readonly credential: { readonly cert: string; readonly key: string } }

export interface Front {
  call(path: string, sender?: Credential, options?: CallOptions): Promise<Answer>
  token(sender?: Credential, options?: CallOptions): Promise<Answer>
  send(sender?: Credential, headers?: CallOptions['headers']): Promise<Answer>
  record(answer: Answer): Promise<DecisionRecord>
}

/** Senders in front of a load balancer, each request on a connection of its own. */
export function inFrontOf({ port }: LoadBalancer, { server }: ProxiedServer): Front {
  const call: Front['call'] = (path, sender, options = {}) =>
    callUrl(`https://localhost:${port}${path}`, server.ca, {
      ...options,
      ...(sender && { certificate: sender.credential }),
    })
  return {
    call,
    token: (sender, options = {}) =>
      call('/oauth/token', sender, {
        method: 'POST',
        body: { grant_type: 'client_credentials' },
        ...options,
      }),
    send: (sender, headers = {}) =>
      call('/http/orders', sender, {
        method: 'POST',
        headers: { 'Content-Type': 'text/plain', ...headers },
        body: 'an order',
      }),
    record: answer => recordOf(server, answer),
  }
}

export async function recordOf(server: TestServer, answer: Answer): Promise<DecisionRecord> {
  const { journal } = server.server.services
  await journal.flush()
  const record = await journal.findDecision(server.tenant.id, String(answer.headers['x-correlation-id']))
  if (!record) throw new Error(`no decision record: ${answer.status} ${answer.text}`)
  return record
}

/** A sender that keeps its one connection. */
export function keptConnection({ port }: LoadBalancer, { server }: ProxiedServer, sender: Credential) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: server.ca, ...sender.credential })
  let socket: TLSSocket | undefined
  return {
    close: () => agent.destroy(),
    /** The status, and whether it was the connection of the last time. */
    send: () =>
      new Promise<{ status: number; reused: boolean }>((resolve, reject) => {
        const sent = request(
          { host: 'localhost', port, path: '/http/orders', method: 'POST', agent },
          response => {
            const reused = socket === response.socket
            socket = response.socket as TLSSocket
            response.resume().once('end', () => resolve({ status: response.statusCode!, reused }))
          },
        )
        sent.once('error', reject)
        sent.end('an order')
      }),
  }
}
