import { unwatchFile, watchFile } from 'node:fs'
import type { Server as PlainServer } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import { type AddressInfo, createServer } from 'node:net'
import { mtlsServer, plainServer, presentIdentity, tlsServer } from '../adapters/http/server.ts'
import { type Context, hour } from '../core/context.ts'
import type { IdentitySettings } from './camunda/settings.ts'
import type { Server } from './compose.ts'
import { type Config, ConfigError, type ProxyConfig } from './config.ts'
import { followConnections } from './graceful.ts'
import { identitySocket } from './identity/listener.ts'
import { openToGroup, proxyListener } from './proxy-listener.ts'
import { identityFiles, serverIdentity } from './server-identity.ts'

export interface Listening {
  /** undefined: there is no identity service. */
  readonly identityPort: number | undefined
  /** Lets what was accepted end, for so long at most. */
  close(limitMs: number): Promise<void>
}

type Socket = TlsServer | PlainServer

/** Opens the sockets, and keeps the server certificate current. `turnAway`: see `followConnections`. */
export async function openListeners(
  config: Config,
  identitySettings: IdentitySettings | undefined,
  context: Context,
  server: Server,
  how: { readonly turnAway: boolean },
): Promise<Listening> {
  const { host } = config
  const identity = serverIdentity(config, context)
  const open = tlsServer(identity, server.listenerOf({ name: 'public' }))
  const mtls = mtlsServer(identity, server.listenerOf({ name: 'mtls' }))
  const pki = plainServer(server.listenerOf({ name: 'pki' }))
  const proxy = config.proxy && proxyListener(config.proxy, identity, server, context)
  const ofIdentity =
    identitySettings &&
    identitySocket(
      identitySettings,
      host,
      server.listenerOf({ name: identitySettings.tls ? 'identity' : 'identity-plain' }),
      context,
    )
  const more = [...(proxy ? [proxy.socket] : []), ...(ofIdentity ? [ofIdentity.socket] : [])]
  const closers = [open, mtls, pki, ...more].map(socket => followConnections(socket, how))
  await bind(open, { host, port: config.port, setting: 'COUNTERSIGN_PORT' })
  await bind(mtls, { host, port: config.mtlsPort, setting: 'COUNTERSIGN_MTLS_PORT' })
  await bind(pki, { host, port: config.pkiPort, setting: 'COUNTERSIGN_PKI_PORT' })
  if (proxy) await bindProxy(proxy.socket, config.proxy!)
  if (ofIdentity)
    await bind(ofIdentity.socket, {
      host: ofIdentity.host,
      port: identitySettings!.port,
      setting: 'SERVER_PORT',
    })

  // Each by itself: one that cannot be read does not hold up the other.
  const reloads = [
    reload(context, 'server certificate', identityFiles(config), () => {
      const renewed = serverIdentity(config, context)
      presentIdentity(open, renewed)
      presentIdentity(mtls, renewed)
      proxy?.present(renewed)
    }),
    ...(proxy ? [reload(context, 'authority of the proxies', proxy.files, proxy.reload)] : []),
  ]
  const daily = setInterval(() => {
    for (const { run } of reloads) run()
  }, 24 * hour).unref()
  return {
    identityPort: (ofIdentity?.socket.address() as AddressInfo | undefined)?.port,
    async close(limitMs) {
      clearInterval(daily)
      ofIdentity?.end()
      for (const { end } of reloads) end()
      await Promise.all(closers.map(close => close(limitMs)))
    },
  }
}

/** Does something again when one of its files changes; a file that cannot be used changes nothing. */
function reload(context: Context, what: string, files: readonly string[], act: () => void) {
  const run = () => {
    try {
      act()
      context.log.info({}, `${what} reloaded`)
    } catch (error) {
      context.log.error({ error: (error as Error).message }, `the ${what} cannot be read; the old one stays`)
    }
  }
  for (const file of files) watchFile(file, { persistent: false, interval: 1000 }, run)
  return {
    run,
    end() {
      for (const file of files) unwatchFile(file, run)
    },
  }
}

const proxySetting = 'COUNTERSIGN_PROXY_LISTEN'

async function bindProxy(socket: Socket, { listen }: ProxyConfig): Promise<void> {
  if (!('path' in listen)) return bind(socket, { ...listen, setting: proxySetting })
  await bind(socket, { path: listen.path, setting: proxySetting })
  await openToGroup(listen.path)
}

type Place = ({ readonly host: string; readonly port: number } | { readonly path: string }) & {
  readonly setting: string
}

function bind(server: Socket, { setting, ...place }: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', error => reject(listenError(error, { ...place, setting } as Place)))
    server.listen(place, () => resolve())
  })
}

function listenError(error: NodeJS.ErrnoException, place: Place): Error {
  const { setting } = place
  if ('path' in place) {
    const { path } = place
    if (error.code === 'EADDRINUSE')
      return new ConfigError(`${path} is taken: end what listens there, or set ${setting}`)
    if (error.code === 'EACCES')
      return new ConfigError(`${path} may not be made by this user: set ${setting}`)
    return new ConfigError(`cannot listen on ${path} (${error.message}): set ${setting} to a shorter path`)
  }
  const { host, port } = place
  if (error.code === 'EADDRINUSE')
    return new ConfigError(`port ${port} of ${host} is taken: end what listens there, or set ${setting}`)
  if (error.code === 'EACCES')
    return new ConfigError(`port ${port} may not be used by this user: set ${setting} to 1024 or more`)
  const address = setting === proxySetting ? setting : 'COUNTERSIGN_HOST'
  return new ConfigError(`cannot listen on port ${port} of ${host} (${error.message}): set ${address}`)
}

/** Replaces port 0 by a free port, which addresses are then made of. */
export async function settlePorts(config: Config): Promise<Config> {
  const settle = (port: number, setting: string) => port || freePort(config.host, setting)
  const [port, mtlsPort, pkiPort] = await Promise.all([
    settle(config.port, 'COUNTERSIGN_PORT'),
    settle(config.mtlsPort, 'COUNTERSIGN_MTLS_PORT'),
    settle(config.pkiPort, 'COUNTERSIGN_PKI_PORT'),
  ])
  return { ...config, port, mtlsPort, pkiPort }
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
