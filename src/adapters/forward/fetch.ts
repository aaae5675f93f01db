import { lookup } from 'node:dns'
import { Agent, request } from 'undici'
import { isLinkLocal } from '../../core/network.ts'
import type { Fetch } from '../../guard/index.ts'
import { lookupWithoutLinkLocal } from './link-local.ts'

const connectTimeoutMs = 5000
const largestReply = 256 * 1024

/**
 * A Fetch for addresses that operators registered: they may be private, but never link-local (design 3.14); no
 * redirect is followed. `ca` (PEM) is trusted instead of the public roots, if given.
 */
export function createGuardedFetch(ca?: string): { fetch: Fetch; close(): Promise<void> } {
  const agent = new Agent({
    connect: {
      timeout: connectTimeoutMs,
      lookup: lookupWithoutLinkLocal(lookup),
      ...(ca !== undefined && { ca }),
    },
  })
  return {
    async fetch(url, { method, headers, body, signal }) {
      if (isLinkLocal(url.hostname)) throw new Error('a link-local address is never called')
      const answer = await request(url, {
        dispatcher: agent,
        method,
        headers: { ...headers },
        signal,
        ...(body !== undefined && { body }),
      })
      const parts: Buffer[] = []
      let size = 0
      for await (const part of answer.body as AsyncIterable<Buffer>) {
        size += part.length
        if (size > largestReply) throw new Error(`more than ${largestReply} bytes`)
        parts.push(part)
      }
      return {
        status: answer.statusCode,
        headers: answer.headers,
        body: Buffer.concat(parts).toString('utf8'),
      }
    },
    close: () => agent.close(),
  }
}
