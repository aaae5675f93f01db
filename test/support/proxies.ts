import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** A real load balancer in a process of its own. */
export interface LoadBalancer {
  readonly port: number
  /** What it wrote on stderr so far. */
  errors(): string
  stop(): Promise<void>
}

export interface ProxyFiles {
  /** Name in /etc/nginx or /etc/haproxy, and content. */
  readonly [name: string]: string
}

type Program = 'nginx' | 'haproxy'

const guide = readFileSync(fileURLToPath(new URL('../../docs/load-balancer.md', import.meta.url)), 'utf8')

/** What stands below this heading of docs/load-balancer.md. */
function sectionOf(heading: string): string {
  const [, section] = guide.split(`\n## ${heading}\n`)
  if (!section) throw new Error(`docs/load-balancer.md has no heading "${heading}"`)
  return section.split('\n## ')[0]!
}

/** The configuration of the load balancer below this heading. */
function documented(heading: string): string {
  return mustMatch(heading, /```\w+\n([\s\S]*?)```/)
}

/** COUNTERSIGN_PROXY_HEADER below this heading. */
export function documentedHeader(heading: string): string {
  return mustMatch(heading, /COUNTERSIGN_PROXY_HEADER=([a-z-]+)/)
}

function mustMatch(heading: string, pattern: RegExp): string {
  const [, found] = pattern.exec(sectionOf(heading)) ?? []
  if (found === undefined) throw new Error(`docs/load-balancer.md has no ${pattern} below "${heading}"`)
  return found
}

/** Replaces what a reader would replace; each of it must be there. */
function adapted(text: string, changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes).reduce((before, [from, to]) => {
    if (!before.includes(from)) throw new Error(`the documented configuration has no ${from}`)
    return before.replaceAll(from, to)
  }, text)
}

const patienceMs = 10_000

/**
 * Runs a documented configuration on a free port of 127.0.0.1, with these files and this address of Countersign's
 * proxy listener. Resolves when it takes connections.
 */
export async function startProxy(
  program: Program,
  heading: string,
  files: ProxyFiles,
  upstream: { readonly path: string } | { readonly port: number },
): Promise<LoadBalancer> {
  const directory = mkdtempSync(join(tmpdir(), `countersign-${program}-`))
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(directory, name), content, { mode: 0o600 })
  const port = await freePort()
  const text = adapted(documented(heading), {
    [`/etc/${program}/`]: `${directory}/`,
    ...(program === 'nginx'
      ? { 'listen 443': `listen 127.0.0.1:${port}` }
      : { 'bind :443': `bind 127.0.0.1:${port}` }),
    ...('path' in upstream
      ? { '/run/countersign/proxy.sock': upstream.path }
      : { '10.0.0.5:9445': `127.0.0.1:${upstream.port}` }),
  })
  return launch(program, programs[program](directory, text), directory, port)
}

/** Writes the configuration; returns the arguments. */
const programs: Record<Program, (directory: string, text: string) => string[]> = {
  nginx(directory, text) {
    const file = join(directory, 'nginx.conf')
    const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    mkdirSync(join(directory, 'tmp'))
    writeFileSync(
      file,
      // Else its worker would be somebody who may not enter a temporary folder of root.
      `${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
pid ${directory}/nginx.pid;
error_log stderr warn;
events {}
http {
${kinds.map(kind => `${kind}_temp_path ${directory}/tmp/${kind};`).join('\n')}
access_log off;
${text}}
`,
    )
    return ['-p', directory, '-c', file, '-e', 'stderr']
  },
  haproxy(directory, text) {
    const file = join(directory, 'haproxy.cfg')
    writeFileSync(file, text)
    return ['-db', '-f', file]
  },
}

async function launch(
  program: Program,
  args: string[],
  directory: string,
  port: number,
): Promise<LoadBalancer> {
  const child = spawn('sh', ['-c', untilInputEnds, 'sh', program, ...args], {
    env: { PATH: `${process.env.PATH}:/usr/sbin` },
    // A session of its own: Ctrl-C in the terminal is for us.
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  let errors = ''
  let running = true
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    errors += part
  })
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  void ended.then(() => {
    running = false
  })
  const stop = async () => {
    child.stdin.end()
    await ended
    rmSync(directory, { recursive: true, force: true })
  }
  for (const deadline = Date.now() + patienceMs; !(await isOpen(port)); await wait(10))
    if (!running || Date.now() > deadline) {
      await stop()
      throw new Error(`${program} did not start:\n${errors}`)
    }
  return { port, errors: () => errors, stop }
}

/** However we end, our end of its input closes, and that ends the program. */
const untilInputEnds = `
exec 3<&0
"$@" </dev/null 3<&- & child=$!
{ read -r _ <&3; kill -TERM $child; } 2>/dev/null &
wait $child
`

function isOpen(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = connect(port, '127.0.0.1', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
