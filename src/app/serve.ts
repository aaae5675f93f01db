import cluster from 'node:cluster'
import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import type { Server as PlainServer } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import { type AddressInfo, createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { plainServer, tlsServer } from '../adapters/http/server.ts'
import { createLog, type ProcessLog } from '../adapters/log/pino.ts'
import { createPrometheusMeter, mergePages, type PrometheusMeter } from '../adapters/metrics/prometheus.ts'
import { serveStoreToWorkers } from '../adapters/store/open.ts'
import { type Context, hour } from '../core/context.ts'
import { isLoopback } from '../core/network.ts'
import { Problem } from '../core/problem.ts'
import { defaultTenantName } from '../core/tenant.ts'
import { maintainKeys } from '../core/tokens/index.ts'
import { WrongMasterKey } from '../core/vault.ts'
import { ensureAdminKey } from './admin-key.ts'
import { joinAsWorker, serveWorkers, type WorkerBus } from './cluster.ts'
import { composeServer, type Server } from './compose.ts'
import { type Config, ConfigError, readConfig } from './config.ts'
import { startDemo } from './demo.ts'
import { makePrivateDirectory } from './files.ts'
import { followConnections } from './graceful.ts'
import { openConfiguredVault, rotateMasterKey } from './master-key.ts'
import { createRandom } from './random.ts'
import { identityFiles, serverIdentity } from './server-identity.ts'

export interface ServeOptions {
  readonly demo: boolean
  /** Path of a YAML file. */
  readonly config?: string | undefined
}

/** What is accepted is finished within that time after SIGTERM; then the process ends all the same. */
const shutdownMs = 8000

/**
 * Runs the server until SIGTERM or SIGINT. Resolves once it is ready. Throws ConfigError, StoreInUse,
 * WrongMasterKey and the like when it cannot start.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const config = await settlePorts(loadConfig(options))
  const log = createLog({ level: config.logLevel, format: config.logFormat, fd: 1 })
  const context: Context = { now: Date.now, random: createRandom(), log }
  if (cluster.isWorker) return serveAsWorker(config, context, log)

  refuseUnsafeDemo(options, config)
  // Whoever is told to stop while it starts has nothing to finish.
  let close = async () => {}
  stopOnSignal(log, () => close())
  try {
    close = await start(options, config, context, log)
  } catch (error) {
    log.flush()
    // What was opened by then (a database, workers) must not keep the process.
    setTimeout(() => process.exit(process.exitCode ?? 1), 200).unref()
    throw error
  }
}

/** Returns the function that stops what was started. */
async function start(
  options: ServeOptions,
  config: Config,
  context: Context,
  log: ProcessLog,
): Promise<() => Promise<void>> {
  for (const warning of config.warnings) log.warn({}, warning)
  makePrivateDirectory(config.dataDir)
  const process_ =
    config.workers > 1 ? await startPrimary(config, context) : await startAlone(config, context)
  const { server } = process_
  await ensureAdminKey(server.services, server.services.tenants.byName(defaultTenantName)!, config.dataDir)
  const demo = options.demo ? await startDemo(server.services, config) : undefined
  await process_.open()
  const maintenance = startMaintenance(server, context)
  log.info({ url: publicUrl(config), pki: pkiUrl(config), workers: config.workers }, 'ready')
  log.flush()
  demo?.print()
  return async () => {
    clearInterval(maintenance)
    await process_.close()
    await demo?.close()
  }
}

/** A process group under way: one process that answers, or a primary with its workers. */
interface Running {
  readonly server: Server
  /** Lets requests in. */
  open(): Promise<void>
  close(): Promise<void>
}

async function startAlone(config: Config, context: Context): Promise<Running> {
  const meter = createPrometheusMeter()
  let ready = false
  const server = await compose(config, context, meter, {
    role: 'primary',
    ready: () => ready,
    metrics: () => meter.page(),
  })
  const listening = await listen(config, context, server)
  return {
    server,
    async open() {
      ready = true
    },
    async close() {
      ready = false
      await listening.close()
      await server.close()
    },
  }
}

async function startPrimary(config: Config, context: Context): Promise<Running> {
  const meter = createPrometheusMeter()
  // Issued once, before the workers look for it.
  serverIdentity(config, hostsOf(config), context)
  const server = await compose(config, context, meter, {
    role: 'primary',
    ready: () => false,
    metrics: () => meter.page(),
  })
  cluster.setupPrimary({ serialization: 'advanced' })
  serveStoreToWorkers(server.store, cluster)
  serveWorkers({ metrics: () => meter.registry.getMetricsAsJSON() })
  let open = false
  cluster.on('exit', (worker, code, signal) => {
    if (!open) return
    context.log.error({ pid: worker.process.pid, code, signal }, 'a worker died and is replaced')
    setTimeout(() => open && fork(config), 500).unref()
  })
  return {
    server,
    async open() {
      const workers = Array.from({ length: config.workers }, () => fork(config))
      await Promise.all(
        workers.map(
          worker =>
            new Promise<void>((resolve, reject) => {
              worker.once('message', function ready(message: unknown) {
                if ((message as { countersign?: string }).countersign === 'ready') resolve()
                else worker.once('message', ready)
              })
              worker.once('exit', () => reject(new Error('a worker could not start; see its log lines')))
            }),
        ),
      )
      open = true
    },
    async close() {
      open = false
      const left = Object.values(cluster.workers ?? {}).filter(worker => worker && !worker.isDead())
      const ended = left.map(worker => new Promise(resolve => worker!.once('exit', resolve)))
      for (const worker of left) worker!.process.kill('SIGTERM')
      await Promise.all(ended)
      await server.close()
    },
  }
}

function fork(config: Config) {
  return cluster.fork({
    COUNTERSIGN_PORT: String(config.port),
    COUNTERSIGN_PKI_PORT: String(config.pkiPort),
  })
}

async function serveAsWorker(config: Config, context: Context, log: ProcessLog): Promise<void> {
  // Nobody is left to work for: the primary is gone, or there is no way to reach it.
  process.on('disconnect', () => process.exit(1))
  cluster.worker!.on('error', () => process.exit(1))
  const meter = createPrometheusMeter()
  let server: Server | undefined
  let ready = false
  const bus = joinAsWorker({
    failures: () => server?.failures,
    metrics: () => meter.registry.getMetricsAsJSON(),
    now: context.now,
  })
  server = await compose(config, context, meter, {
    role: 'worker',
    ready: () => ready,
    metrics: async () => mergePages(await bus.collectMetrics()),
    bus,
  })
  const composed = server
  const listening = await listen(config, context, composed)
  ready = true
  process.send?.({ countersign: 'ready' })
  stopOnSignal(log, async () => {
    ready = false
    await listening.close()
    await composed.close()
  })
}

function compose(
  config: Config,
  context: Context,
  meter: PrometheusMeter,
  own: { role: 'primary' | 'worker'; ready: () => boolean; metrics: () => Promise<string>; bus?: WorkerBus },
): Promise<Server> {
  return composeServer({
    databaseUrl: config.databaseUrl ?? `sqlite:${config.dataDir}`,
    role: own.role,
    publicUrl: publicUrl(config),
    context,
    meter,
    onFailure: own.bus && (key => own.bus!.failed(key)),
    openVault: store => openConfiguredVault(config, store, context, { alone: own.role === 'primary' }),
    operations: store => ({
      ready: own.ready,
      metrics: own.metrics,
      async rotateMasterKey(newKey) {
        try {
          return await rotateMasterKey(config, newKey, store, context)
        } catch (error) {
          if (error instanceof ConfigError || error instanceof WrongMasterKey)
            return new Problem('invalid_input', error.message)
          throw error
        }
      },
    }),
  })
}

/** Opens the sockets, and keeps the server certificate current. */
async function listen(config: Config, context: Context, server: Server) {
  const identity = serverIdentity(config, hostsOf(config), context)
  const tls = tlsServer(identity, server.listenerOf({ name: 'public' }))
  const pki = plainServer(server.listenerOf({ name: 'pki' }))
  const closers = [followConnections(tls), followConnections(pki)]
  await bind(tls, config.port, config.host, 'COUNTERSIGN_PORT')
  await bind(pki, config.pkiPort, config.host, 'COUNTERSIGN_PKI_PORT')
  const reload = () => {
    try {
      tls.setSecureContext(serverIdentity(config, hostsOf(config), context))
      context.log.info({}, 'server certificate reloaded')
    } catch (error) {
      context.log.error(
        { error: (error as Error).message },
        'the server certificate cannot be read; the old one stays',
      )
    }
  }
  const files = identityFiles(config)
  for (const file of files) watchFile(file, { persistent: false, interval: 1000 }, reload)
  const daily = setInterval(reload, 24 * hour).unref()
  return {
    async close() {
      clearInterval(daily)
      for (const file of files) unwatchFile(file, reload)
      await Promise.all(closers.map(close => close(shutdownMs - 1000)))
    },
  }
}

function bind(server: TlsServer | PlainServer, port: number, host: string, setting: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', error => reject(listenError(error, { port, host, setting })))
    server.listen(port, host, () => resolve())
  })
}

function listenError(
  error: NodeJS.ErrnoException,
  { port, host, setting }: { port: number; host: string; setting: string },
): Error {
  if (error.code === 'EADDRINUSE')
    return new ConfigError(`port ${port} of ${host} is taken: end what listens there, or set ${setting}`)
  if (error.code === 'EACCES')
    return new ConfigError(`port ${port} may not be used by this user: set ${setting} to 1024 or more`)
  return new ConfigError(`cannot listen on ${host} (${error.message}): set COUNTERSIGN_HOST`)
}

function stopOnSignal(log: ProcessLog, close: () => Promise<void>): void {
  let stopping = false
  const stop = async (signal: string) => {
    if (stopping) return
    stopping = true
    log.info({ signal }, 'stopping')
    setTimeout(() => end(log, 0), shutdownMs).unref()
    try {
      await close()
      end(log, 0)
    } catch (error) {
      log.error({ error: (error as Error).message }, 'stopping failed')
      end(log, 1)
    }
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

function end(log: ProcessLog, status: number): never {
  log.flush()
  process.exit(status)
}

function startMaintenance(server: Server, context: Context): NodeJS.Timeout {
  const run = async () => {
    try {
      const { made, removed } = await maintainKeys(server.services)
      if (made + removed > 0) context.log.info({ made, removed }, 'tenant keys maintained')
    } catch (error) {
      context.log.error(
        { error: (error as Error).message },
        'maintenance failed; it is tried again in an hour',
      )
    }
  }
  void run()
  return setInterval(run, hour).unref()
}

function loadConfig(options: ServeOptions): Config {
  let file: string | undefined
  if (options.config !== undefined) {
    try {
      file = readFileSync(options.config, 'utf8')
    } catch (error) {
      throw new ConfigError(`cannot read ${options.config}: ${(error as Error).message}`)
    }
  }
  return readConfig({ env: process.env, file, cwd: process.cwd(), processors: availableParallelism() })
}

/** Replaces port 0 by a free port, which addresses are then made of. */
async function settlePorts(config: Config): Promise<Config> {
  const [port, pkiPort] = await Promise.all([
    config.port || freePort(config.host, 'COUNTERSIGN_PORT'),
    config.pkiPort || freePort(config.host, 'COUNTERSIGN_PKI_PORT'),
  ])
  return { ...config, port, pkiPort }
}

function freePort(host: string, setting: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', error => reject(listenError(error, { port: 0, host, setting })))
    probe.listen(0, host, () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}

function refuseUnsafeDemo({ demo }: ServeOptions, config: Config): void {
  if (!demo) return
  if (config.databaseUrl !== undefined)
    throw new ConfigError('--demo runs on the embedded store only: unset COUNTERSIGN_DATABASE_URL')
  if (config.host !== 'localhost' && !isLoopback(config.host))
    throw new ConfigError(`--demo listens on loopback only: COUNTERSIGN_HOST is ${config.host}`)
}

function publicUrl({ publicUrl: given, host, port }: Config): string {
  return given ?? `https://${urlHost(host)}:${port}`
}

function pkiUrl({ host, pkiPort }: Config): string {
  return `http://${urlHost(host)}:${pkiPort}`
}

function urlHost(host: string): string {
  if (isLoopback(host) || host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

/** The names in the server certificate. */
function hostsOf(config: Config): string[] {
  const { hostname } = new URL(publicUrl(config))
  return [...new Set(['localhost', '127.0.0.1', '::1', hostname.replace(/^\[|\]$/g, '')])]
}
