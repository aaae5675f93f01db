import { type Receiver, startReceiver } from '../../support/receiver.ts'
import type { Answer } from '../../support/server.ts'
import { type Json, startAdminWorld } from '../admin/world.ts'
import { flowFile } from '../worker/world.ts'

/** A registered client as its answer has it; the secret as it was given or made. */
export interface Client {
  readonly clientid: string
  readonly clientsecret: string
  readonly user: string
}

export const tokenPath = '/oauth2/api/v1/token'
export const otherNode = 'abc12.hcioem'
export const role = 'ESBMessaging.send'

/** An administrator, a flow at `/http/orders` of `default.iflmap`, and one at `/http/elsewhere` of another node. */
export async function startNeoWorld() {
  const admin = await startAdminWorld()
  const { server } = admin
  const receiver: Receiver = await startReceiver()
  await server.deploy(flowFile('orders', receiver.origin))
  await server.deploy(flowFile('elsewhere', receiver.origin, { node: otherNode }))

  let count = 0
  /** A client that may do nothing so far. */
  async function register(more: Json = {}): Promise<Client> {
    const made = await admin.admin.call('POST', '/clients', { clientid: `client-${++count}`, ...more })
    if (made.status !== 201) throw new Error(made.text)
    return { clientsecret: more.secret, ...made.json<Json>() } as unknown as Client
  }
  const assign = (user: string, more: Json = {}) =>
    admin.admin.call('POST', '/role-assignments', { user, role, ...more })
  /** One that may send to `default.iflmap`. */
  async function sender(more: Json = {}): Promise<Client> {
    const client = await register(more)
    await assign(client.user)
    return client
  }
  const change = (client: Client, changes: Json) =>
    admin.admin.call('PATCH', `/clients/${client.clientid}`, changes)

  /** As a client of Neo sends it: everything in the query, nothing in the body, no encoding before base64. */
  const ask = (
    client: Pick<Client, 'clientid' | 'clientsecret'>,
    query = 'grant_type=client_credentials',
    path = tokenPath,
  ): Promise<Answer> =>
    server.call(`${path}?${query}`, { method: 'POST', headers: { Authorization: plainBasic(client) } })
  async function token(client: Client, format?: 'jwt' | 'jwtrfc'): Promise<string> {
    const wanted = format === undefined ? '' : `&token_format=${format}`
    const answer = await ask(client, `grant_type=client_credentials${wanted}`)
    if (answer.status !== 200) throw new Error(answer.text)
    return answer.json<{ access_token: string }>().access_token
  }
  const send = async (text: string, flow = 'orders'): Promise<number> => {
    const headers = { Authorization: `Bearer ${text}` }
    return (await server.call(`/http/${flow}`, { method: 'POST', headers, body: 'an order' })).status
  }
  /** The decision record of a refusal. */
  const why = async (answer: Answer) => {
    const { store: _, journal } = server.server.services
    await journal.flush()
    return (await journal.findDecision(server.tenant.id, String(answer.headers['x-correlation-id'])))!
  }
  async function close() {
    await receiver.close()
    await admin.close()
  }
  return { ...admin, receiver, register, assign, sender, change, ask, token, send, why, close }
}

export type NeoWorld = Awaited<ReturnType<typeof startNeoWorld>>

export const plainBasic = ({ clientid, clientsecret }: Pick<Client, 'clientid' | 'clientsecret'>): string =>
  `Basic ${Buffer.from(`${clientid}:${clientsecret}`).toString('base64')}`
