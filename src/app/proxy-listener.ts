import { lstatSync, readFileSync, rmSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import type { Server as PlainServer } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { type ProxyAuthority, proxyServer, readProxyAuthority } from '../adapters/http/proxy-server.ts'
import { mostProxiedHeaderBytes, plainServer, type ServerIdentity } from '../adapters/http/server.ts'
import { type Context, minute } from '../core/context.ts'
import type { Server } from './compose.ts'
import { ConfigError, type ProxyConfig } from './config.ts'

/** The listener for load balancers: the only one where a header says which certificate a sender has. */
export interface ProxyListener {
  readonly socket: TlsServer | PlainServer
  /** Files to watch for a change. */
  readonly files: readonly string[]
  present(identity: ServerIdentity): void
  /** Reads the authority of the proxies again. Throws ConfigError, and then nothing has changed. */
  reload(): void
}

/** On a port the proxy proves itself by a certificate, on a socket by the mode of its file. Throws ConfigError. */
export function proxyListener(
  { listen, caFile, header }: ProxyConfig,
  identity: ServerIdentity,
  server: Server,
  { now, log }: Context,
): ProxyListener {
  const listener = server.listenerOf({ name: 'proxy', certificateHeader: header })
  if ('path' in listen)
    return {
      socket: plainServer(listener, mostProxiedHeaderBytes),
      files: [],
      present: () => {},
      reload: () => {},
    }

  let warnedAt = Number.NEGATIVE_INFINITY
  const proxy = proxyServer({ identity, authority: readAuthority(caFile!) }, listener, {
    now,
    refused(reason) {
      // Anybody who reaches the port can make this happen.
      if (now() - warnedAt < minute) return
      warnedAt = now()
      log.warn({ reason }, 'a proxy was refused in the TLS handshake; further ones are not told for a minute')
    },
  })
  return {
    socket: proxy.server,
    files: [caFile!],
    present: proxy.present,
    reload: () => proxy.trust(readAuthority(caFile!)),
  }
}

function readAuthority(file: string): ProxyAuthority {
  try {
    return readProxyAuthority(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new ConfigError(`COUNTERSIGN_PROXY_CA_FILE: ${file}: ${(error as Error).message}`)
  }
}

/**
 * Makes the way free for a socket: once, before anything listens, because workers share it. What an earlier process
 * left behind is removed; what is in use, or is no socket, stops the start. Throws ConfigError.
 */
export async function prepareProxySocket({ listen }: ProxyConfig): Promise<void> {
  if (!('path' in listen)) return
  const { path } = listen
  const setting = 'COUNTERSIGN_PROXY_LISTEN'
  if (!statOf(dirname(path))?.isDirectory())
    throw new ConfigError(`${setting}: there is no directory ${dirname(path)}`)
  const found = statOf(path)
  if (found && !found.isSocket())
    throw new ConfigError(`${setting}: ${path} is there and is no socket: remove it, or name another path`)
  if (found && (await answers(path)))
    throw new ConfigError(`${path} is taken: end what listens there, or set ${setting}`)
  if (found) rmSync(path)
  // The socket is for its owner and its group, and not even for a moment for others.
  process.umask(process.umask() | 0o007)
}

const statOf = (path: string) => lstatSync(path, { throwIfNoEntry: false })

/** Does somebody listen there? Whoever may not ask cannot remove it either. */
function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const probe = connect({ path }, () => resolve(true))
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'))
    probe.once('connect', () => probe.destroy())
  })
}

/** Lets the owner and the group of a socket use it, and nobody else: the group is how a proxy gets in. */
export const openToGroup = (path: string): Promise<void> => chmod(path, 0o660)
