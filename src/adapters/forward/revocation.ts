import { lookup } from 'node:dns'
import { Agent, request } from 'undici'
import { isLinkLocal } from '../../core/network.ts'
import type { RevocationSource, SourceError } from '../../core/trust/index.ts'
import { lookupWithoutLinkLocal } from './link-local.ts'

const timeoutMs = 5000
const longestList = 32 * 1024 * 1024
const longestAnswer = 64 * 1024

/** Fetches revocation lists and OCSP answers from the addresses that the operator configured; follows no redirect. */
export function createRevocationSource(): RevocationSource & { close(): Promise<void> } {
  const agent = new Agent({ connect: { timeout: timeoutMs, lookup: lookupWithoutLinkLocal(lookup) } })

  /** The body; or why it is not to be had, though somebody answered. */
  async function exchange(url: string, most: number, body?: Buffer): Promise<Buffer | string> {
    const answer = await request(url, {
      dispatcher: agent,
      method: body ? 'POST' : 'GET',
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      signal: AbortSignal.timeout(2 * timeoutMs),
      ...(body && { body, headers: { 'content-type': 'application/ocsp-request' } }),
    })
    if (answer.statusCode !== 200) {
      await answer.body.dump()
      return `it answered ${answer.statusCode}`
    }
    const parts: Buffer[] = []
    let size = 0
    for await (const part of answer.body as AsyncIterable<Buffer>) {
      size += part.length
      if (size > most) return `it is larger than ${most} bytes`
      parts.push(part)
    }
    return Buffer.concat(parts)
  }

  async function fetch(url: string, most: number, body?: Buffer): Promise<Buffer> {
    const { protocol, hostname } = new URL(url)
    if (protocol !== 'http:' && protocol !== 'https:') throw new Error('only http and https are fetched')
    if (isLinkLocal(hostname)) throw new Error('a link-local address is never called')
    const got = await exchange(url, most, body).catch(asSilence)
    if (typeof got === 'string') throw new Error(got)
    return got
  }

  return {
    crl: url => fetch(url, longestList),
    ocsp: (url, body) => fetch(url, longestAnswer, body),
    // Nobody waits for what they are asked any more.
    close: () => agent.destroy(),
  }
}

function asSilence(error: NodeJS.ErrnoException): never {
  const { message, code, name } = error
  const why = name === 'TimeoutError' ? 'it did not answer in time' : message || code || name
  const silence: SourceError = Object.assign(new Error(why, { cause: error }), { unanswered: true })
  throw silence
}
