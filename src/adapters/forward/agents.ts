import { lookup } from 'node:dns'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { Agent, buildConnector } from 'undici'
import type { ConnectionSettings } from '../../core/calls.ts'
import { isLinkLocal } from '../../core/network.ts'
import { linkLocal, lookupWithoutLinkLocal } from './link-local.ts'

export interface AgentOptions {
  readonly connectionsPerReceiver?: number
  readonly connectTimeoutMs?: number
}

/** Connections to others, kept and used again; those of one client certificate are never used for another. */
export interface Agents {
  /** undefined: as usual. Throws what OpenSSL says where it cannot use the certificates. */
  of(settings: ConnectionSettings | undefined): Agent
  close(): Promise<void>
}

const mostSettings = 200

export function createAgents({ connectionsPerReceiver = 64, connectTimeoutMs = 5000 }: AgentOptions): Agents {
  const newAgent = (settings?: ConnectionSettings) =>
    new Agent({
      connections: connectionsPerReceiver,
      connect: connectorWithoutLinkLocal(connectTimeoutMs, settings),
      keepAliveTimeout: 30_000,
    })
  const usual = newAgent()
  /** The connections of other settings, the least recently used first. */
  const others = new Map<string, Agent>()
  return {
    of(settings) {
      if (!settings) return usual
      const agent = others.get(settings.id) ?? newAgent(settings)
      others.delete(settings.id)
      others.set(settings.id, agent)
      const [oldest] = others
      if (oldest && others.size > mostSettings) {
        others.delete(oldest[0])
        // What is under way on its connections is finished.
        oldest[1].close().catch(() => {})
      }
      return agent
    },
    async close() {
      await Promise.all([usual, ...others.values()].map(agent => agent.close()))
    },
  }
}

/** Made once for its settings: the roots of this computer are many. */
function secureContextOf({ ca, certificate }: ConnectionSettings): SecureContext {
  return createSecureContext({
    ...(ca.length > 0 && { ca: [...getCACertificates('default'), ...ca] }),
    ...certificate,
  })
}

/** Makes connections to anything but link-local addresses, whether they are written down or resolved. */
function connectorWithoutLinkLocal(
  timeout: number,
  settings: ConnectionSettings | undefined,
): buildConnector.connector {
  const connect = buildConnector({
    timeout,
    lookup: lookupWithoutLinkLocal(lookup),
    ...(settings && { secureContext: secureContextOf(settings) }),
    ...(settings?.trustAll && { rejectUnauthorized: false }),
  })
  return (options, callback) => {
    // A name is looked up by the connector, an address is not.
    if (!isLinkLocal(options.hostname)) return connect(options, callback)
    callback(linkLocal(`${options.hostname} is a link-local address, which is never called`), null)
  }
}
