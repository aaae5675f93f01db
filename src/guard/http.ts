import { request as httpRequest } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'

export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Fires when the answer has taken too long. */
  readonly signal: AbortSignal
}

export interface HttpReply {
  readonly status: number
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: string
}

/** One HTTP exchange; follows no redirect. Rejects when there is no whole answer. */
export type Fetch = (url: URL, request: HttpRequest) => Promise<HttpReply>

export type CertificateAuthorities = string | Buffer | readonly (string | Buffer)[]

export const largestReply = 256 * 1024

/** A Fetch over node:https that trusts `ca` (PEM) instead of the public roots, if given. */
export function createFetch(ca?: CertificateAuthorities): Fetch {
  const agent = new Agent({
    keepAlive: true,
    rejectUnauthorized: true,
    ...(ca !== undefined && { ca: (typeof ca === 'string' || Buffer.isBuffer(ca) ? ca : [...ca]) as string }),
  })
  return (url, { method, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const options = { method, headers: { ...headers, 'accept-encoding': 'identity' }, signal }
      const outgoing =
        url.protocol === 'https:' ? httpsRequest(url, { ...options, agent }) : httpRequest(url, options)
      outgoing.on('error', reject)
      outgoing.on('response', async response => {
        try {
          const chunks: Buffer[] = []
          let size = 0
          for await (const chunk of response as AsyncIterable<Buffer>) {
            size += chunk.length
            if (size > largestReply) throw new Error(`more than ${largestReply} bytes`)
            chunks.push(chunk)
          }
          const text = Buffer.concat(chunks).toString('utf8')
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })
        } catch (error) {
          outgoing.destroy()
          reject(error)
        }
      })
      outgoing.end(body)
    })
}
