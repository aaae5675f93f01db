import cluster from 'node:cluster'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createLog, type ProcessLog } from '../adapters/log/pino.ts'
import { createPrometheusMeter, mergePages, type PrometheusMeter } from '../adapters/metrics/prometheus.ts'
import { serveStoreToWorkers } from '../adapters/store/open.ts'
import type { Context } from '../core/context.ts'
import { isLoopback } from '../core/network.ts'
import { Problem } from '../core/problem.ts'
import { defaultTenantName } from '../core/tenant.ts'
import { WrongMasterKey } from '../core/vault.ts'
import { ensureAdminKey } from './admin-key.ts'
import { basesOf } from './bases.ts'
import type { IdentitySettings } from './camunda/settings.ts'
import { joinAsWorker, serveWorkers, type WorkerBus } from './cluster.ts'
import { composeServer, type Server } from './compose.ts'
import { type Config, ConfigError, readConfig } from './config.ts'
import { startDemo } from './demo.ts'
import { makePrivateDirectory } from './files.ts'
import { prepareIdentity } from './identity/initialize.ts'
import { type LoadedIdentity, loadIdentity } from './identity/load.ts'
import { fromLevel, partLevels } from './identity/log.ts'
import { openListeners, settlePorts } from './listeners.ts'
import { startMaintenance } from './maintenance.ts'
import { openConfiguredVault, rotateMasterKey } from './master-key.ts'
import { prepareProxySocket } from './proxy-listener.ts'
import { createRandom } from './random.ts'
import { serverIdentity } from './server-identity.ts'

export interface ServeOptions {
  readonly demo: boolean
  /** Path of a YAML file. */
  readonly config?: string | undefined
}

/** The identity service of this process. */
interface IdentityRun {
  readonly settings: IdentitySettings
  readonly context: Context
}

/** What is accepted is finished within that time after SIGTERM; then the process ends all the same. */
const shutdownMs = 8000

/**
 * Runs the server until SIGTERM or SIGINT. Resolves once it is ready. Throws ConfigError, StoreInUse,
 * WrongMasterKey and the like when it cannot start.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const loaded = loadConfig(options)
  const { settings, notices } = loaded
  const config = await settlePorts(loaded.config)
  const levels = partLevels(config.logLevel, settings)
  const lines = createLog({ level: levels.least, format: config.logFormat, fd: 1 })
  const log: ProcessLog = { ...fromLevel(lines, levels.root), flush: lines.flush }
  const context: Context = { now: Date.now, random: createRandom(), log }
  const identity = settings && { settings, context: { ...context, log: fromLevel(lines, levels.identity) } }
  if (cluster.isWorker) return serveAsWorker(config, identity, context, log)

  refuseUnsafeDemo(options, config)
  // Whoever is told to stop while it starts has nothing to finish.
  let close = async () => {}
  stopOnSignal(log, () => close())
  try {
    for (const { level, message } of notices) log[level]({}, message)
    close = await start(options, config, identity, context, log)
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
  identity: IdentityRun | undefined,
  context: Context,
  log: ProcessLog,
): Promise<() => Promise<void>> {
  for (const warning of config.warnings) log.warn({}, warning)
  makePrivateDirectory(config.dataDir)
  if (config.proxy) await prepareProxySocket(config.proxy)
  const process_ =
    config.workers > 1
      ? await startPrimary(config, identity, context)
      : await startAlone(config, identity, context)
  const { server } = process_
  await ensureAdminKey(server.services, server.services.tenants.byName(defaultTenantName)!, config)
  if (identity) await prepareIdentity(identity.settings, { ...server.services, context: identity.context })
  const demo = options.demo ? await startDemo(server.services, config) : undefined
  await process_.open()
  const maintenance = startMaintenance(server, config, context)
  const { publicUrl, mtlsUrl, pkiUrl } = basesOf(config)
  log.info(
    {
      url: publicUrl,
      mtls: mtlsUrl,
      pki: pkiUrl,
      ...(identity && { identityPort: process_.identityPort ?? identity.settings.port }),
      workers: config.workers,
    },
    'ready',
  )
  log.flush()
  demo?.print()
  return async () => {
    maintenance.stop()
    await process_.close()
    await demo?.close()
  }
}

/** A process group under way: one process that answers, or a primary with its workers. */
interface Running {
  readonly server: Server
  /** Where the identity service listens, as far as this process knows. */
  readonly identityPort?: number | undefined
  /** Lets requests in. */
  open(): Promise<void>
  close(): Promise<void>
}

async function startAlone(
  config: Config,
  identity: IdentityRun | undefined,
  context: Context,
): Promise<Running> {
  const meter = createPrometheusMeter()
  let ready = false
  const server = await compose(config, identity, context, meter, {
    role: 'primary',
    ready: () => ready,
    metrics: () => meter.page(),
  })
  const listening = await openListeners(config, identity?.settings, context, server, { turnAway: false })
  return {
    server,
    identityPort: listening.identityPort,
    async open() {
      ready = true
    },
    async close() {
      ready = false
      await listening.close(shutdownMs - 1000)
      await server.close()
    },
  }
}

async function startPrimary(
  config: Config,
  identity: IdentityRun | undefined,
  context: Context,
): Promise<Running> {
  const meter = createPrometheusMeter()
  // Issued once, before the workers look for it.
  serverIdentity(config, context)
  const server = await compose(config, identity, context, meter, {
    role: 'primary',
    ready: () => false,
    metrics: () => meter.page(),
  })
  cluster.setupPrimary({ serialization: 'advanced' })
  serveStoreToWorkers(server.store, cluster)
  const workers = serveWorkers({ metrics: () => meter.registry.getMetricsAsJSON() })
  let open = false
  cluster.on('exit', (worker, code, signal) => {
    if (!open) return
    context.log.error({ pid: worker.process.pid, code, signal }, 'a worker died and is replaced')
    setTimeout(() => open && fork(config), 500).unref()
  })
  return {
    server,
    async open() {
      const first = Array.from({ length: config.workers }, () => fork(config))
      await Promise.all(
        first.map(
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
      await workers.stop()
      await server.close()
    },
  }
}

function fork(config: Config) {
  return cluster.fork({
    COUNTERSIGN_PORT: String(config.port),
    COUNTERSIGN_MTLS_PORT: String(config.mtlsPort),
    COUNTERSIGN_PKI_PORT: String(config.pkiPort),
  })
}

async function serveAsWorker(
  config: Config,
  identity: IdentityRun | undefined,
  context: Context,
  log: ProcessLog,
): Promise<void> {
  // The primary has let go of this process; else nobody is left to work for: it is gone, or cannot be reached.
  process.on('disconnect', () => process.exit(cluster.worker!.exitedAfterDisconnect ? 0 : 1))
  cluster.worker!.on('error', () => process.exit(1))
  // A signal to the whole group reaches the primary as well, which then tells its workers.
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => {})
  const meter = createPrometheusMeter()
  let server: Server | undefined
  let ready = false
  // Whoever is told to stop while it starts has nothing to finish.
  let close = async (): Promise<void> => end(log, 0)
  const bus = joinAsWorker({
    failures: () => server?.failures,
    metrics: () => meter.registry.getMetricsAsJSON(),
    now: context.now,
    async stop() {
      await finish(log, close)
      log.flush()
      bus.finished()
    },
  })
  server = await compose(config, identity, context, meter, {
    role: 'worker',
    ready: () => ready,
    metrics: async () => mergePages(await bus.collectMetrics()),
    bus,
  })
  const composed = server
  const listening = await openListeners(config, identity?.settings, context, composed, { turnAway: true })
  close = async () => {
    ready = false
    await listening.close(shutdownMs - 1000)
    await composed.close()
  }
  ready = true
  process.send?.({ countersign: 'ready' })
}

function compose(
  config: Config,
  identity: IdentityRun | undefined,
  context: Context,
  meter: PrometheusMeter,
  own: { role: 'primary' | 'worker'; ready: () => boolean; metrics: () => Promise<string>; bus?: WorkerBus },
): Promise<Server> {
  return composeServer({
    databaseUrl: config.databaseUrl ?? `sqlite:${config.dataDir}`,
    role: own.role,
    sourceFiles: join(config.dataDir, 'provisioning'),
    identity: identity?.settings,
    identityContext: identity?.context,
    bases: basesOf(config),
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

function stopOnSignal(log: ProcessLog, close: () => Promise<void>): void {
  let stopping = false
  const stop = async (signal: string) => {
    if (stopping) return
    stopping = true
    log.info({ signal }, 'stopping')
    await finish(log, close)
    end(log, 0)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

/** The process ends by itself where closing fails or takes too long. */
async function finish(log: ProcessLog, close: () => Promise<void>): Promise<void> {
  setTimeout(() => end(log, 0), shutdownMs).unref()
  try {
    await close()
  } catch (error) {
    log.error({ error: (error as Error).message }, 'stopping failed')
    end(log, 1)
  }
}

function end(log: ProcessLog, status: number): never {
  log.flush()
  process.exit(status)
}

function loadConfig(options: ServeOptions): LoadedIdentity {
  let file: string | undefined
  if (options.config !== undefined) {
    try {
      file = readFileSync(options.config, 'utf8')
    } catch (error) {
      throw new ConfigError(`cannot read ${options.config}: ${(error as Error).message}`)
    }
  }
  // A properties file is one of the described system alone.
  const isProperties = options.config?.endsWith('.properties') === true
  const config = readConfig({
    env: process.env,
    file: isProperties ? undefined : file,
    cwd: process.cwd(),
    processors: availableParallelism(),
  })
  try {
    return loadIdentity(
      config,
      process.env,
      file === undefined ? undefined : { name: options.config!, text: file },
    )
  } catch (error) {
    if (error instanceof ConfigError && error.line) {
      const { message, fields } = error.line
      const log = createLog({ level: 'error', format: config.logFormat, fd: 1 })
      log.error(fields, message)
      log.flush()
    }
    throw error
  }
}

function refuseUnsafeDemo({ demo }: ServeOptions, config: Config): void {
  if (!demo) return
  if (config.databaseUrl !== undefined)
    throw new ConfigError('--demo runs on the embedded store only: unset COUNTERSIGN_DATABASE_URL')
  if (config.host !== 'localhost' && !isLoopback(config.host))
    throw new ConfigError(`--demo listens on loopback only: COUNTERSIGN_HOST is ${config.host}`)
}
