import assert from 'node:assert/strict'
import { Agent, type AgentOptions, request } from 'node:https'
import type { DecisionRecord } from '../../../src/core/explain/index.ts'
import type { Sender } from '../../support/senders.ts'
import type { TestServer } from '../../support/server.ts'
import { decisionOf } from '../worker/world.ts'

export interface KeptOpen {
  /** One more request on the same connection; throws when another one had to be opened. */
  status(path: string, options?: { body?: string; headers?: Record<string, string> }): Promise<number>
  /** What is on record about the newest answer. */
  decision(): Promise<DecisionRecord>
  close(): void
}

/** One TLS connection to the port that asks for a certificate, kept open for as long as the test wants. */
export function keepOpen(
  server: TestServer,
  { credential }: Pick<Sender, 'credential'>,
  more: AgentOptions = {},
): KeptOpen {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: server.ca, ...credential, ...more })
  let port: number | undefined
  let correlationId = ''
  return {
    status: (path, { body = '', headers = {} } = {}) =>
      new Promise((resolve, reject) => {
        const sent = request(
          `${server.mtlsUrl}${path}`,
          { agent, method: 'POST', headers: { 'Content-Length': body.length, ...headers } },
          response => {
            const { localPort } = response.socket
            port ??= localPort
            correlationId = String(response.headers['x-correlation-id'])
            response.resume().on('end', () => {
              if (localPort === port) resolve(response.statusCode!)
              else reject(new Error('it was another connection'))
            })
          },
        )
        sent.on('error', reject)
        sent.end(body)
      }),
    decision: () => decisionOf({ server }, { headers: { 'x-correlation-id': correlationId } }),
    close: () => agent.destroy(),
  }
}

export const tokenRequest = {
  body: 'grant_type=client_credentials',
  headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
}

/** Both places where the certificate is the credential. */
export async function assertBoth(connection: KeptOpen, status: number, reason?: RegExp): Promise<void> {
  for (const ask of [
    () => connection.status('/oauth/token', tokenRequest),
    () => connection.status('/http/orders', { body: 'an order' }),
  ]) {
    assert.equal(await ask(), status)
    if (reason) assert.match((await connection.decision()).reason, reason)
  }
}
