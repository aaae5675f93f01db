import { createReadStream, statSync } from 'node:fs'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { extname } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { Option } from 'commander'
import type { TlsOptions } from '../../client/index.ts'
import { type Cli, collect, type Define } from './support/command.ts'
import { Refused, WrongUsage } from './support/errors.ts'
import { exchange, readAddress } from './support/exchange.ts'
import { takeStdin, unreadable } from './support/input.ts'
import { explainHint } from './support/sender.ts'
import {
  readSender,
  type Sender,
  type SenderOptions,
  withSenderOptions,
  withToken,
} from './support/sender-options.ts'

interface CallOptions extends SenderOptions {
  readonly with: keyof typeof ways
  readonly method?: string
  readonly header?: readonly string[]
  readonly data?: string
}

/** How a call shows who makes it: by a header, by the certificate of its connection, or both. */
interface Shown {
  readonly authorization?: string
  readonly tls?: TlsOptions | undefined
}

/** THE LIST of ways to show who calls. */
const ways = {
  // A token that is bound to the certificate is accepted on a connection that shows it.
  token: (sender: Sender, options: CallOptions, cli: Cli): Promise<Shown> =>
    withToken(sender, options, cli, (client, asked) => client.credentials(asked)),
  async certificate({ certificate }: Sender, { key }: CallOptions): Promise<Shown> {
    if (certificate === undefined) throw new WrongUsage(`${key} holds no certificate: call with a token`)
    return { tls: certificate }
  },
  async basic({ key: { clientId, clientSecret } }: Sender, { key }: CallOptions): Promise<Shown> {
    if (clientSecret === undefined)
      throw new WrongUsage(`${key} holds no secret: call with a token or with the certificate`)
    return { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` }
  },
}

export const define: Define = (command, cli) => {
  withSenderOptions(command)
    .argument('<URL>', 'what to call')
    .addOption(
      new Option('--with <WAY>', 'with an access token, the certificate alone, or client id and secret')
        .choices(Object.keys(ways))
        .default('token'),
    )
    .option('--method <METHOD>', 'HTTP method (default: GET, with data POST)')
    .option('--header <HEADER>', 'a further header "Name: value"; may be repeated', collect)
    .option('--data <FILE>', 'send this file; - for standard input')
    .action((url: string, options: CallOptions) => call(url, options, cli))
}

async function call(address: string, options: CallOptions, cli: Cli): Promise<void> {
  const url = readAddress(address)
  const headers = readHeaders(options.header)
  const method = readMethod(options)
  const sender = await readSender(options, cli)
  const data = readData(options.data, cli)
  const { authorization, tls } = await ways[options.with](sender, options, cli)
  const response = await exchange({
    url,
    method,
    headers: { accept: '*/*', ...data?.headers, ...headers, ...(authorization && { authorization }) },
    body: data?.open(),
    trust: cli.trust(),
    tls,
  })
  await showAnswer(response, cli)
  const status = response.statusCode ?? 0
  if (status < 400) return
  const correlationId = first(response.headers['x-correlation-id'])
  throw new Refused(`${url.origin}${url.pathname} refused with ${status}`, {
    correlationId,
    hint: otherPort(status, url, options, sender) ?? (correlationId && explainHint(url, correlationId)),
  })
}

/** What a certificate meets on a port that asks for none. */
function otherPort(status: number, url: URL, options: CallOptions, { key }: Sender): string | undefined {
  if (status !== 401 || options.with !== 'certificate' || key.url === undefined) return undefined
  const right = URL.canParse(key.url) ? new URL(key.url).origin : url.origin
  return right === url.origin
    ? undefined
    : `The key is for ${right}; ${url.origin} may be a port that asks for no certificate.`
}

async function showAnswer(response: IncomingMessage, cli: Cli): Promise<void> {
  const { statusCode: status, statusMessage, headers, httpVersion } = response
  if (cli.options.json) {
    const body = await text(response)
    cli.terminal.show({ status, headers, body }, () => body)
    return
  }
  cli.terminal.note(`HTTP/${httpVersion} ${status} ${statusMessage}`)
  let last: number | undefined
  try {
    response.on('data', (chunk: Buffer) => {
      last = chunk.at(-1)
    })
    await pipeline(response, cli.stdout, { end: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return
    throw new Refused(`the answer broke off: ${(error as Error).message}`)
  }
  // What follows on stderr begins a line of its own where both are the same terminal.
  if (cli.stdout.isTTY && last !== undefined && last !== lineFeed) cli.terminal.note('')
}

const lineFeed = 10

/** What other programs would say that they send; anything else is bytes. */
const contentTypes: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.xml': 'application/xml',
  '.csv': 'text/csv',
  '.txt': 'text/plain',
}

interface Data {
  readonly headers: Readonly<Record<string, string>>
  open(): Readable
}

function readData(file: string | undefined, cli: Cli): Data | undefined {
  if (file === undefined) return undefined
  const type = contentTypes[extname(file).toLowerCase()] ?? 'application/octet-stream'
  if (file === '-') {
    const stdin = takeStdin(cli)
    return { headers: { 'content-type': type }, open: () => stdin }
  }
  try {
    const stat = statSync(file)
    if (stat.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' })
    // What is no plain file (a pipe, a device) does not know its length.
    const length = stat.isFile() ? { 'content-length': String(stat.size) } : {}
    return { headers: { 'content-type': type, ...length }, open: () => createReadStream(file) }
  } catch (error) {
    throw unreadable(file, error)
  }
}

function readMethod({ method, data }: CallOptions): string {
  const name = method?.toUpperCase() ?? (data === undefined ? 'GET' : 'POST')
  if (/^[A-Z]{1,20}$/.test(name) && name !== 'CONNECT') return name
  throw new WrongUsage(`${method} is not an HTTP method`)
}

function readHeaders(lines: readonly string[] = []): Record<string, string[]> {
  const headers: Record<string, string[]> = {}
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? []
    if (name === undefined || value === undefined)
      throw new WrongUsage(`a header is written "Name: value", not ${JSON.stringify(line)}`)
    const lower = name.toLowerCase()
    if (lower === 'authorization') throw new WrongUsage('the Authorization header is made of --key')
    if (/^(content-length|transfer-encoding|connection|host)$/.test(lower))
      throw new WrongUsage(`the header ${name} is made by this program`)
    headers[lower] = [...(headers[lower] ?? []), value]
  }
  return headers
}

function first(value: IncomingHttpHeaders[string]): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
