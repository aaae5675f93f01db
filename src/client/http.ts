import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http'
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import { createSecureContext } from 'node:tls'
import { checkUrl, shown } from './address.ts'
import { aborted, misconfigured, TokenError } from './errors.ts'
import { connectionFailure } from './http-failures.ts'

/**
 * TLS of the connection, as node:tls takes it: PEM text or bytes; `pfx` is PKCS#12. Node believes servers of the
 * authorities in a `pfx`, too, and sends all of its certificates.
 */
export type TlsOptions = {
  ca?: string | Buffer | (string | Buffer)[] | undefined
  cert?: string | Buffer | undefined
  key?: string | Buffer | undefined
  pfx?: Buffer | undefined
  passphrase?: string | undefined
}

export type HttpOptions = {
  tls?: TlsOptions | undefined
  /** for the whole of one exchange: connecting, sending, and reading the answer; default 10 000 */
  timeoutMs?: number | undefined
  /** allow plain http:// to hosts other than loopback: secrets and tokens then travel readable */
  allowInsecure?: boolean | undefined
  /** how host names become addresses, as node:net takes it; default: the DNS of this computer */
  lookup?: LookupFunction | undefined
}

export type HttpReply = { status: number; headers: IncomingHttpHeaders; body: string }

export type Http = {
  /** Sends a form; `tls` replaces the options' own for this request. */
  post(url: URL, form: string, headers: Record<string, string>, more?: Exchange): Promise<HttpReply>
  get(url: URL, headers: Record<string, string>, more?: Exchange): Promise<HttpReply>
  /** Ends all connections. */
  close(): void
}
type Exchange = { signal?: AbortSignal | undefined; tls?: TlsOptions | undefined }

export const maxResponseBytes = 1024 * 1024

/**
 * A small HTTP/1.1 client that keeps its connections. It follows no redirect, reads at most 1 MiB, and throws a
 * TokenError for everything that is not a whole answer. Connections are pooled per host and TLS material.
 */
export function createHttp(options: HttpOptions = {}): Http {
  const { tls = {}, timeoutMs = 10_000, allowInsecure = false, lookup } = options
  if (!(timeoutMs > 0 && timeoutMs < 2 ** 31)) throw misconfigured('timeoutMs must be a number above 0.')
  checkTls(tls)
  const agents = {
    'http:': new HttpAgent({ keepAlive: true }),
    'https:': new HttpsAgent({ keepAlive: true }),
  }

  async function exchange(
    method: string,
    url: URL,
    headers: Record<string, string>,
    more: Exchange,
    body?: string,
  ) {
    checkUrl(url, allowInsecure)
    if (more.tls !== undefined) checkTls(more.tls)
    const secure = url.protocol === 'https:'
    const reply = await send(secure ? httpsRequest : httpRequest, url, {
      timeoutMs,
      signal: more.signal,
      body,
      request: {
        ...(secure ? (more.tls ?? tls) : {}),
        ...(lookup && { lookup }),
        method,
        agent: secure ? agents['https:'] : agents['http:'],
        headers: { ...defaultHeaders, ...headers },
      },
    })
    refuseRedirect(url, reply)
    return reply
  }

  return {
    post: (url, form, headers, more = {}) =>
      exchange(
        'POST',
        url,
        {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': String(Buffer.byteLength(form)),
          ...headers,
        },
        more,
        form,
      ),
    get: (url, headers, more = {}) => exchange('GET', url, headers, more),
    close() {
      agents['http:'].destroy()
      agents['https:'].destroy()
    },
  }
}

const defaultHeaders = {
  accept: 'application/json',
  'accept-encoding': 'identity',
  'user-agent': 'countersign-client',
}

/** Throws TokenError `invalid_configuration` for what node:tls cannot use. */
export function checkTls(tls: TlsOptions): void {
  if (Object.values(tls).every(value => value === undefined)) return
  try {
    createSecureContext(tls)
  } catch (error) {
    // The code where there is one: messages about wrong types quote the value.
    const { code, message } = error as NodeJS.ErrnoException
    if (tls.pfx !== undefined) throw misconfigured(`The PKCS#12 file cannot be used: ${pfxTrouble(message)}`)
    throw misconfigured(
      `The TLS material in tls cannot be used (${code ?? message}). Check that key and cert belong together, are ` +
        'PEM (or pfx is PKCS#12), and that passphrase is right.',
    )
  }
}

/** Node says only that it did not work. */
function pfxTrouble(message: string): string {
  if (/mac verify failure/i.test(message)) return 'the passphrase is not the right one.'
  if (/unsupported/i.test(message)) {
    return (
      'it is encrypted as old programs did (RC2, 3DES), which Node does not read. Write it anew with a current ' +
      'program: `openssl pkcs12 -legacy -in old.p12 -nodes | openssl pkcs12 -export -out new.p12`.'
    )
  }
  if (/not enough data|wrong tag|asn1|nested/i.test(message)) return 'it is not PKCS#12 (.p12, .pfx).'
  return `Node cannot read it (${message}).`
}

function refuseRedirect(url: URL, reply: HttpReply): void {
  if (reply.status < 300 || reply.status > 399) return
  const location = reply.headers.location ?? ''
  const target = URL.canParse(location, url.href)
    ? new URL(location, url.href).host
    : 'an address it does not name'
  throw new TokenError(
    'invalid_response',
    `${shown(url)} answered with a redirect (${reply.status}) to ${target}. Redirects are not followed, so that ` +
      'credentials go nowhere else: configure the final address.',
    { status: reply.status },
  )
}

type Sending = {
  timeoutMs: number
  signal: AbortSignal | undefined
  body: string | undefined
  request: RequestOptions
}

function send(request: typeof httpRequest, url: URL, sending: Sending): Promise<HttpReply> {
  const { timeoutMs, signal, body } = sending
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted(signal))
    const outgoing = begin(request, url, sending.request)
    const timer = setTimeout(() => {
      fail(
        new TokenError(
          'timeout',
          `${shown(url)} gave no whole answer within ${timeoutMs} ms. Check that the server runs and that no ` +
            'firewall drops the connection, or raise timeoutMs.',
        ),
      )
    }, timeoutMs)
    const onAbort = () => fail(aborted(signal as AbortSignal))
    signal?.addEventListener('abort', onAbort, { once: true })
    const settle = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    // The promise takes the first outcome; what the torn-down socket says afterwards is of no interest.
    const fail = (error: TokenError) => {
      settle()
      reject(error)
      outgoing.destroy()
    }
    outgoing.on('error', error => fail(connectionFailure(url, error)))
    outgoing.on('response', response => {
      read(url, response).then(reply => {
        settle()
        resolve(reply)
      }, fail)
    })
    outgoing.end(body)
  })
}

function begin(request: typeof httpRequest, url: URL, options: RequestOptions): ClientRequest {
  try {
    return request(url, options)
  } catch (error) {
    throw misconfigured(`The request to ${shown(url)} cannot be built; its own error is the cause.`, error)
  }
}

async function read(url: URL, response: IncomingMessage): Promise<HttpReply> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > maxResponseBytes) break
      chunks.push(chunk)
    }
  } catch (error) {
    throw connectionFailure(url, error as Error)
  }
  if (size > maxResponseBytes) {
    throw new TokenError(
      'invalid_response',
      `${shown(url)} answered with more than 1 MiB: not a token server.`,
      {
        status: response.statusCode,
      },
    )
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks).toString('utf8'),
  }
}
