import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Answer, basic, type CallOptions, callUrl } from '../../support/server.ts'

export const project = fileURLToPath(new URL('../../..', import.meta.url))
/** Runs what is in dist: `npm test` builds before; for a file alone run `npm run setup` first. */
const program = [join(project, 'bin/countersign'), 'serve']

/** Longer than any start or end may take. */
const patienceMs = 20_000

const directories: string[] = []
const processes = new Set<ChildProcess>()

after(async () => {
  for (const child of processes) killGroup(child)
  await Promise.all([...processes].map(child => new Promise(resolve => child.once('close', resolve))))
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

/** A new directory that is removed after the tests of the file. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-process-'))
  directories.push(directory)
  return directory
}

export interface StartOptions {
  /** Default: a new one. */
  readonly dataDir?: string
  readonly env?: Readonly<Record<string, string>>
  /** After `serve`. */
  readonly args?: readonly string[]
  readonly cwd?: string
  /** Where to reach it when its public URL is another one. */
  readonly reachAt?: string
}

/** How a process ended. */
export interface Ended {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** Milliseconds since 1970. */
  readonly at: number
}

export interface LogLine {
  readonly level: string
  readonly message: string
  readonly [field: string]: unknown
}

export interface ServiceKey {
  readonly clientid: string
  readonly clientsecret: string
  readonly tokenurl: string
  readonly url: string
}

/** A real server in a process (or several) of its own. */
export interface ServerProcess {
  readonly pid: number
  readonly dataDir: string
  /** Without a slash at the end. */
  readonly url: string
  readonly mtls: string
  readonly pki: string
  /** PEM of the root in the data directory. */
  readonly ca: string
  readonly ended: Promise<Ended>
  /** What was written on stdout so far. */
  output(): string
  /** The lines of the log in it. */
  log(): LogLine[]
  /** Resolves with the first line that fits, written before or after. */
  logged(fits: (line: LogLine) => boolean): Promise<LogLine>
  signal(name: NodeJS.Signals): void
  /** SIGTERM, and waits. */
  stop(): Promise<Ended>
  /** SIGKILL to all its processes, and waits. */
  kill(): Promise<Ended>
  /** One request on a connection of its own. */
  call(path: string, options?: CallOptions): Promise<Answer>
  /** One request to the admin API, as the administrator; throws unless it is done. */
  admin<Body = Record<string, unknown>>(method: string, path: string, body?: object): Promise<Body>
  token(key: Pick<ServiceKey, 'clientid' | 'clientsecret'>, more?: Record<string, string>): Promise<string>
  /** A service key of type `secret` of the instance, which is made where it is missing. */
  key(instance: string, name: string): Promise<ServiceKey>
}

/** Starts `countersign serve` on free ports and waits until it says that it is ready. */
export async function startServer(options: StartOptions = {}): Promise<ServerProcess> {
  const { dataDir = join(temporaryDirectory(), 'data') } = options
  const launched = launch({ ...options, dataDir })
  const ready = await launched.logged(line => line.message === 'ready')
  const url = options.reachAt ?? String(ready.url)
  const root = join(dataDir, 'ca.pem')
  // None is made beside a certificate of the operator's own.
  const ca = existsSync(root) ? readFileSync(root, 'utf8') : ''
  let adminToken: Promise<string> | undefined

  const call = (path: string, given: CallOptions = {}) => callUrl(`${url}${path}`, ca, given)

  async function token(key: Pick<ServiceKey, 'clientid' | 'clientsecret'>, more = {}): Promise<string> {
    const answer = await call('/oauth/token', {
      method: 'POST',
      headers: { Authorization: basic(key) },
      body: { grant_type: 'client_credentials', ...more },
    })
    if (answer.status !== 200) throw new Error(`no token: ${answer.status} ${answer.text}`)
    return answer.json<{ access_token: string }>().access_token
  }

  async function admin<Body>(method: string, path: string, body?: object): Promise<Body> {
    adminToken ??= token(readKey(join(dataDir, 'admin.json')))
    const answer = await call(`/admin/v1${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${await adminToken}`,
        ...(body && { 'Content-Type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
    return answer.text === '' ? (undefined as Body) : answer.json<Body>()
  }

  return {
    pid: launched.child.pid!,
    dataDir,
    url,
    mtls: String(ready.mtls),
    pki: String(ready.pki),
    ca,
    ended: launched.ended,
    output: launched.output,
    log: launched.log,
    logged: launched.logged,
    signal: name => void launched.child.kill(name),
    async stop() {
      launched.child.kill('SIGTERM')
      return launched.ended
    },
    async kill() {
      killGroup(launched.child)
      return launched.ended
    },
    call,
    admin,
    token,
    async key(instance, name) {
      const { instances } = await admin<{ instances: { name: string }[] }>('GET', '/instances')
      if (!instances.some(found => found.name === instance))
        await admin('POST', '/instances', { name: instance })
      return admin<ServiceKey>('POST', `/instances/${instance}/keys`, { name })
    },
  }
}

/** Starts a server that is expected to give up, and waits for that. */
export function startRefused(options: StartOptions = {}): Promise<Ended> {
  return launch(options).ended
}

export function readKey(file: string): ServiceKey {
  return JSON.parse(readFileSync(file, 'utf8')) as ServiceKey
}

/** Asks again until it is so; fails after `withinMs`. */
export async function eventually<Value>(
  ask: () => Promise<Value | undefined | false>,
  withinMs: number,
  what: string,
): Promise<Value> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const value = await ask()
    if (value !== undefined && value !== false) return value
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** A port that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const { server, port } = await occupyPort()
  await new Promise(resolve => server.close(resolve))
  return port
}

/** Listens on a free port of 127.0.0.1. */
export function occupyPort(): Promise<{ server: Server; port: number }> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () =>
      resolve({ server, port: (server.address() as AddressInfo).port }),
    )
  })
}

/** Starts `countersign serve` and waits for nothing. */
export function launch({
  dataDir = join(temporaryDirectory(), 'data'),
  env = {},
  args = [],
  cwd,
}: StartOptions) {
  const [file, ...first] = program
  const child = spawn(file!, [...first, ...args], {
    cwd: cwd ?? project,
    env: {
      PATH: process.env.PATH,
      COUNTERSIGN_DATA_DIR: dataDir,
      COUNTERSIGN_PORT: '0',
      COUNTERSIGN_MTLS_PORT: '0',
      COUNTERSIGN_PKI_PORT: '0',
      ...env,
    },
    // A process group of its own, so that workers can be ended with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  processes.add(child)
  let stdout = ''
  let stderr = ''
  const watchers = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    for (const watch of watchers) watch()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = new Promise<Ended>((resolve, reject) => {
    const timer = setTimeout(() => killGroup(child), 3 * patienceMs)
    child.once('error', reject)
    child.once('close', (status, signal) => {
      clearTimeout(timer)
      processes.delete(child)
      resolve({ status, signal, stdout, stderr, at: Date.now() })
    })
  })
  const log = () => stdout.split('\n').flatMap(parseLine)

  function logged(fits: (line: LogLine) => boolean): Promise<LogLine> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer)
        watchers.delete(watch)
      }
      const fail = (why: string) => {
        stop()
        reject(new Error(`${why}\n${stdout}${stderr}`))
      }
      const timer = setTimeout(
        () => fail('the server did not write the line that was waited for'),
        patienceMs,
      )
      const watch = () => {
        const line = log().find(fits)
        if (!line) return
        stop()
        resolve(line)
      }
      watchers.add(watch)
      void ended.then(({ status, signal }) => fail(`the server ended (${status ?? signal})`))
      watch()
    })
  }
  return { child, ended, output: () => stdout, log, logged }
}

/** JSON lines, and lines of text format as far as `logged` needs them. */
function parseLine(text: string): LogLine[] {
  if (text.startsWith('{')) return [JSON.parse(text) as LogLine]
  const [, level, message, fields = ''] = /^([A-Z]+) {2}(\S+)( .*)?$/.exec(text) ?? []
  if (level === undefined || message === undefined) return []
  const pairs = fields
    .trim()
    .split(' ')
    .map(pair => pair.split('=', 2) as [string, string])
  return [{ level, message, ...Object.fromEntries(pairs) }]
}

function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}
