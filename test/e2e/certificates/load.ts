import assert from 'node:assert/strict'
import { Agent, request } from 'node:https'

/** Where senders go: the port that asks for a certificate, and the root that vouches for it. */
export interface Place {
  readonly mtls: string
  readonly ca: string
}

interface Calling {
  readonly credential: { readonly cert: string; readonly key: string }
}

const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
/** Both places where the certificate is the credential, in turn. */
const requests = [
  { path: '/oauth/token', body: 'grant_type=client_credentials', headers: form },
  { path: '/http/orders', body: 'an order', headers: { 'Content-Type': 'text/plain' } },
] as const

/** One sender; `kept`: all on one connection, else each request on its own. */
export function callerOf({ mtls, ca }: Place, { credential }: Calling, kept: boolean) {
  const agent = new Agent({ keepAlive: kept, maxSockets: 1, ca, ...credential })
  const ports = new Set<number>()
  let count = 0
  return {
    /** Status of the answer to the next request. */
    status: (): Promise<number> =>
      new Promise((resolve, reject) => {
        const { path, body, headers } = requests[count++ % requests.length]!
        const sent = request(
          `${mtls}${path}`,
          { agent, method: 'POST', headers: { ...headers, 'Content-Length': body.length } },
          response => {
            if (kept) ports.add(response.socket.localPort!)
            response.resume().once('end', () => {
              if (ports.size <= 1) resolve(response.statusCode!)
              else reject(new Error('it was another connection'))
            })
          },
        )
        sent.once('error', reject).end(body)
      }),
    close: () => agent.destroy(),
  }
}

export type Caller = ReturnType<typeof callerOf>

/** Many connections of a sender that were open before, and as many new ones: every process answers some of them. */
export function manyOf(place: Place, sender: Calling) {
  const callers = Array.from({ length: 12 }, (_, i) => callerOf(place, sender, i % 2 === 0))
  return {
    /** What they get, all at once, for both kinds of requests. */
    async statuses(): Promise<number[]> {
      const rounds = [await askAll(callers), await askAll(callers)]
      return [...new Set(rounds.flat())]
    },
    close() {
      for (const caller of callers) caller.close()
    },
  }
}

const askAll = (callers: readonly Caller[]) => Promise.all(callers.map(caller => caller.status()))

/**
 * These senders call without a pause while something happens, each on a connection that it keeps and on new ones;
 * every request must be answered with 200.
 */
export async function underLoad(
  place: Place,
  senders: readonly Calling[],
  happens: (answered: () => number) => Promise<unknown>,
): Promise<void> {
  const callers = senders.flatMap(sender => [true, false].map(kept => callerOf(place, sender, kept)))
  let going = true
  const answered = callers.map(() => 0)
  const load = Promise.all(
    callers.map(async (caller, i) => {
      for (; going; answered[i]!++) assert.equal(await caller.status(), 200, `sender ${i >> 1}`)
    }),
  )
  try {
    await Promise.race([happens(() => Math.min(...answered)), load])
  } finally {
    going = false
  }
  try {
    await load
  } finally {
    for (const caller of callers) caller.close()
  }
  assert.ok(Math.min(...answered) >= 5, `answered: ${answered}`)
}
