// Countersign as users start it, with a source and a target, and jobs that its admin API is asked for.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../scripts/node.mjs'
import { cpuSeconds, peakMegabytes, residentMegabytes } from './measure.mjs'
import { freePort, whenReady } from './start.mjs'

export const isBuilt = () => existsSync(join(root, 'dist', 'app', 'cli.js'))

/** Starts `countersign serve` on a processor and an empty directory; `source`, `target`: URLs of SCIM servers. */
export const startProduct = async ({ source, target }, { on, profile }) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-provisioning-'))
  const [port, pkiPort] = [await freePort(), await freePort()]
  const env = {
    ...process.env,
    COUNTERSIGN_DATA_DIR: directory,
    COUNTERSIGN_PORT: String(port),
    COUNTERSIGN_MTLS_PORT: String(await freePort()),
    COUNTERSIGN_PKI_PORT: String(pkiPort),
    ...(profile && { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profile}` }),
  }
  const program = ['-c', String(on), join(root, 'bin', 'countersign'), 'serve']
  const child = spawn('taskset', program, {
    cwd: directory,
    env,
    stdio: process.env.BENCH_LOG ? ['ignore', 'inherit', 'inherit'] : 'ignore',
  })
  const ended = new Promise(resolve => child.on('close', resolve))
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    await whenReady(child, pkiPort)
    const ask = await administrator(directory, port)
    const create = (name, properties) =>
      ask('POST', '/provisioning/systems', { name, type: 'scim', role: name, properties })
    await create('target', { URL: target })
    await create('source', { URL: source, targets: 'target' })
    const idleMegabytes = residentMegabytes(child.pid)
    return { pid: child.pid, run: type => runJob(ask, child.pid, type), idleMegabytes, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Calls of the admin API with the key that the server has left in its directory. */
const administrator = async (directory, port) => {
  const { clientid, clientsecret } = JSON.parse(readFileSync(join(directory, 'admin.json'), 'utf8'))
  const basic = Buffer.from(`${encodeURIComponent(clientid)}:${encodeURIComponent(clientsecret)}`)
  const { access_token: token } = await exchange(
    port,
    'POST',
    '/oauth/token',
    'grant_type=client_credentials',
    {
      Authorization: `Basic ${basic.toString('base64')}`,
      'Content-Type': 'application/x-www-form-urlencoded',
    },
  )
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  return (method, path, body) =>
    exchange(port, method, `/admin/v1${path}`, body && JSON.stringify(body), headers)
}

/** The certificate was made a moment ago, by us. */
const exchange = (port, method, path, body, headers) =>
  new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, method, path, headers, agent: false, rejectUnauthorized: false },
      response => {
        let text = ''
        response.on('data', chunk => {
          text += chunk
        })
        response.on('error', reject)
        response.on('end', () =>
          response.statusCode < 300
            ? resolve(JSON.parse(text))
            : reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`)),
        )
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })

/** Seldom, because a question costs a TLS handshake. */
const pauseMs = 250

/** Runs a job to its end; `seconds` from its beginning to its end, `wallSeconds` from the question to the answer. */
const runJob = async (ask, pid, type) => {
  const cpuBefore = cpuSeconds(pid)
  const begun = performance.now()
  const { id } = await ask('POST', '/provisioning/systems/source/jobs', { type })
  for (;;) {
    await new Promise(resolve => setTimeout(resolve, pauseMs))
    const job = await ask('GET', `/provisioning/jobs/${id}`)
    if (job.endedAt === null) continue
    const wallSeconds = (performance.now() - begun) / 1000
    if (job.status !== 'Success') throw new Error(`the ${type} job: ${JSON.stringify(job)}`)
    const written = job.statistics
      .filter(({ action }) => action === 'Write')
      .reduce((sum, { created, updated }) => sum + created + updated, 0)
    const seconds = (Date.parse(job.endedAt) - Date.parse(job.startedAt)) / 1000
    return {
      entities: written,
      seconds,
      wallSeconds,
      perSecond: written / seconds,
      cpuSeconds: cpuSeconds(pid) - cpuBefore,
      megabytes: peakMegabytes(pid),
    }
  }
}
