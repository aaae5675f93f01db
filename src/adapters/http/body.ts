import type { IncomingMessage } from 'node:http'
import { Problem } from '../../core/problem.ts'

/** A body that has not arrived by then is given up. */
const bodyTimeoutMs = 10_000

/**
 * Reads a small body as UTF-8 text. A Problem when it is larger than `most` bytes, arrives too slowly or breaks off;
 * the rest of it is then not worth reading, and the connection ends with the answer.
 */
export function readBody(request: IncomingMessage, most: number): Promise<string | Problem> {
  return hasNone(request)
    ? noBody
    : read(request, most, chunks => (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString())
}

/** The same, as bytes. */
export function readBytes(request: IncomingMessage, most: number): Promise<Buffer | Problem> {
  return read(request, most, chunks => Buffer.concat(chunks))
}

const hasNone = ({ headers }: IncomingMessage): boolean =>
  headers['content-length'] === undefined && headers['transfer-encoding'] === undefined

function read<Body>(
  request: IncomingMessage,
  most: number,
  join: (chunks: readonly Buffer[]) => Body,
): Promise<Body | Problem> {
  if (Number(request.headers['content-length']) > most) return Promise.resolve(tooLarge)
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    let size = 0
    const timer = setTimeout(() => finish(tooSlow), bodyTimeoutMs)
    function finish(result: Body | Problem): void {
      clearTimeout(timer)
      resolve(result)
    }
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > most) finish(tooLarge)
      else chunks.push(chunk)
    })
    request.on('end', () => finish(join(chunks)))
    request.on('error', () => finish(brokenOff))
  })
}

const noBody = Promise.resolve('')
const tooLarge = new Problem('payload_too_large', 'the body is too large', { check: 'request form' })
const tooSlow = new Problem('request_timeout', 'the body did not arrive in time', { check: 'request form' })
const brokenOff = new Problem('invalid_request', 'the body broke off', { check: 'request form' })
