import type { Bases } from '../core/addresses.ts'
import { isLoopback } from '../core/network.ts'
import type { Config } from './config.ts'

/** Under which addresses the server is reached: as configured, else made of host and port. */
export function basesOf(config: Config): Bases {
  const host = urlHost(config.host)
  return {
    publicUrl: config.publicUrl ?? `https://${host}:${config.port}`,
    mtlsUrl: config.mtlsUrl ?? `https://${host}:${config.mtlsPort}`,
    pkiUrl: config.pkiUrl ?? `http://${host}:${config.pkiPort}`,
  }
}

function urlHost(host: string): string {
  if (isLoopback(host) || host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}
