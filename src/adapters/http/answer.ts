import type { ServerResponse } from 'node:http'
import { envelopeOf } from './request.ts'

/** Header names and values, flat, as `writeHead` takes them fastest. */
export type FlatHeaders = readonly string[]

/** What every answer carries. */
export function commonHeaders(response: ServerResponse): FlatHeaders {
  const { correlationId, listener } = envelopeOf(response.req)
  const secured = listener !== 'pki' && listener !== 'plain' && listener !== 'identity-plain'
  return secured
    ? ['X-Correlation-Id', correlationId, ...everywhere, 'Strict-Transport-Security', 'max-age=31536000']
    : ['X-Correlation-Id', correlationId, ...everywhere]
}

const everywhere = ['X-Content-Type-Options', 'nosniff'] as const

/** For a framework that writes the head itself. */
export function presetCommonHeaders(response: ServerResponse): void {
  const headers = commonHeaders(response)
  for (let i = 0; i < headers.length; i += 2) response.setHeader(headers[i]!, headers[i + 1]!)
}

/** Answers with JSON, once; where an answer has begun already, it is broken off. */
export function answerJson(
  response: ServerResponse,
  status: number,
  headers: FlatHeaders,
  body: unknown,
  type = 'application/json;charset=UTF-8',
): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const text = JSON.stringify(body)
  const length = Buffer.byteLength(text)
  response.writeHead(status, [
    ...commonHeaders(response),
    ...headers,
    'Content-Type',
    type,
    'Content-Length',
    String(length),
  ])
  // ASCII, which it is almost always, goes out without being transcoded.
  response.end(response.req.method === 'HEAD' ? undefined : text, length === text.length ? 'latin1' : 'utf8')
}

export function answerProblem(
  response: ServerResponse,
  { status, headers, body }: { status: number; headers: Readonly<Record<string, string>>; body: object },
): void {
  const { 'Content-Type': type, ...others } = headers
  answerJson(response, status, Object.entries(others).flat(), body, type)
}
