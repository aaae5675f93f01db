import type { ClientRequest, IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { setTimeout as wait } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import type { DecisionRecord } from '../../../src/core/explain/index.ts'
import type { Message } from '../../../src/core/flows/index.ts'
import { type Receiver, startReceiver } from '../../support/receiver.ts'
import { type Answer, type SentKey, startTestServer, type TestServer } from '../../support/server.ts'

/** A server, a receiver behind its flows, and a sender who may send. */
export interface World {
  readonly server: TestServer
  readonly receiver: Receiver
  readonly sender: SentKey
  /** The Authorization header of the sender. */
  readonly authorization: string
  close(): Promise<void>
}

export async function startWorld(): Promise<World> {
  const server = await startTestServer()
  const receiver = await startReceiver()
  const sender = await server.sender()
  const authorization = `Bearer ${await server.token(sender)}`
  const close = async () => {
    await receiver.close()
    await server.close()
  }
  return { server, receiver, sender, authorization, close }
}

/** A flow file. `sender` and `receiver` hold what differs from the plainest flow. */
export function flowFile(
  id: string,
  receiverUrl: string,
  {
    sender = {},
    receiver = {},
    ...more
  }: { sender?: object; receiver?: object; [member: string]: unknown } = {},
): object {
  return {
    id,
    sender: { adapter: 'HTTPS', address: `/${id}`, ...sender },
    receiver: { adapter: 'HTTP', url: receiverUrl, ...receiver },
    ...more,
  }
}

/** Asks again until there is something; for what other processes do in their own time. Gives up after 5 s. */
export async function until<Value>(
  ask: () => Value | undefined | Promise<Value | undefined>,
): Promise<Value> {
  const deadline = performance.now() + 5000
  for (;;) {
    const value = await ask()
    if (value !== undefined && value !== false) return value
    if (performance.now() > deadline) throw new Error('waited 5 s in vain')
    await wait(10)
  }
}

export const correlationIdOf = ({ headers }: Pick<Answer, 'headers'>): string =>
  headers['x-correlation-id'] as string

/** The decision record of a refused request. */
export async function decisionOf(
  { server }: Pick<World, 'server'>,
  answer: Pick<Answer, 'headers'>,
  tenantId = server.tenant.id,
): Promise<DecisionRecord> {
  const { journal } = server.server.services
  await journal.flush()
  const record = await journal.findDecision(tenantId, correlationIdOf(answer))
  if (!record) throw new Error('there is no decision record')
  return record
}

/** The entry of the message log of a flow that was written last, once there are `count` of them. */
export async function newestMessage(
  { server }: Pick<World, 'server'>,
  flowId: string,
  count = 1,
): Promise<Message> {
  const { journal } = server.server.services
  return until(async () => {
    await journal.flush()
    const messages = await journal.messages(server.tenant.id, { flowId, limit: 1000 })
    return messages.length >= count ? messages[0] : undefined
  })
}

/** A request whose body is written, and whose answer is read, by the test. */
export function openRequest(
  { server }: Pick<World, 'server'>,
  path: string,
  { method = 'POST', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): { sent: ClientRequest; answered: Promise<IncomingMessage> } {
  const sent = request(`${server.url}${path}`, { method, headers, ca: server.ca, agent: false })
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    sent.on('response', resolve)
    sent.on('error', reject)
  })
  // Whoever does not wait for the answer does not want to hear of it.
  answered.catch(() => {})
  return { sent, answered }
}

export async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return text
}

/** A TLS connection on which the test writes its requests byte by byte. */
export async function openConnection({ server }: Pick<World, 'server'>): Promise<Connection> {
  const { hostname, port } = new URL(server.url)
  const socket = connect({ host: hostname, port: Number(port), ca: server.ca, servername: hostname })
  await new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve)
    socket.once('error', reject)
  })
  let text = ''
  let closed = false
  socket.setEncoding('latin1')
  socket.on('data', chunk => {
    text += chunk
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    closed = true
  })
  return {
    socket,
    statuses: count => until(() => statusesIn(text, count, closed)),
    closed: () => until(() => closed || undefined),
    text: () => text,
  }
}

export interface Connection {
  readonly socket: TLSSocket
  /** The statuses of the answers, once there are so many, or once the connection is closed. */
  statuses(count: number): Promise<number[]>
  closed(): Promise<unknown>
  text(): string
}

function statusesIn(text: string, count: number, closed: boolean): number[] | undefined {
  const found = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(match => Number(match[1]))
  return found.length >= count || closed ? found : undefined
}
