import { createPrivateKey, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import type { ServerIdentity } from '../adapters/http/server.ts'
import type { Context } from '../core/context.ts'
import { day } from '../core/context.ts'
import { issueServerCertificate, makeRoot } from '../crypto/server-certificate.ts'
import { type Config, ConfigError } from './config.ts'
import { readFileIfThere, writeFileWhole } from './files.ts'

/** What a sender puts in its trust store; signs only the server certificate. */
export const rootFile = (dataDir: string) => join(dataDir, 'ca.pem')
const rootKeyFile = (dataDir: string) => join(dataDir, 'ca-key.pem')
const certFile = (dataDir: string) => join(dataDir, 'server.pem')
const keyFile = (dataDir: string) => join(dataDir, 'server-key.pem')

const validDays = 397
const renewBeforeMs = 30 * day

/** The server certificate: the operator's own, or one issued by the root in the data directory, made when missing. */
export function serverIdentity(config: Config, hosts: readonly string[], context: Context): ServerIdentity {
  if (config.tlsCertFile !== undefined)
    return { cert: mustRead(config.tlsCertFile), key: mustRead(config.tlsKeyFile!) }
  const { dataDir } = config
  const cert = readFileIfThere(certFile(dataDir))
  const key = readFileIfThere(keyFile(dataDir))
  if (cert && key && isGood(cert, hosts, context.now())) return { cert, key }
  return issue(dataDir, hosts, context)
}

/** Where the identity comes from: files to watch for a change. */
export function identityFiles(config: Config): string[] {
  return config.tlsCertFile !== undefined
    ? [config.tlsCertFile, config.tlsKeyFile!]
    : [certFile(config.dataDir), keyFile(config.dataDir)]
}

function issue(dataDir: string, hosts: readonly string[], context: Context): ServerIdentity {
  const { now, random } = context
  const root = readRoot(dataDir) ?? createRoot(dataDir, context)
  const issued = issueServerCertificate({ root, hosts, now: now(), days: validDays, random })
  const key = issued.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string
  // The chain is sent with its root, so that a sender can take the root from the connection.
  const cert = issued.pem + root.pem
  writeFileWhole(keyFile(dataDir), key)
  writeFileWhole(certFile(dataDir), cert, 0o644)
  context.log.info({ hosts }, 'server certificate issued')
  return { cert, key }
}

function createRoot(dataDir: string, { now, random }: Context) {
  const root = makeRoot({ commonName: 'Countersign server root', now: now(), random })
  writeFileWhole(rootKeyFile(dataDir), root.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string)
  writeFileWhole(rootFile(dataDir), root.pem, 0o644)
  return root
}

function readRoot(dataDir: string) {
  const pem = readFileIfThere(rootFile(dataDir))
  const key = readFileIfThere(rootKeyFile(dataDir))
  if (!pem || !key) return undefined
  return { pem, der: new X509Certificate(pem).raw, privateKey: createPrivateKey(key) }
}

function isGood(pem: string, hosts: readonly string[], now: number): boolean {
  const certificate = new X509Certificate(pem)
  const names = certificate.subjectAltName ?? ''
  const fits = (host: string) =>
    certificate.checkHost(host) !== undefined || certificate.checkIP(host) !== undefined
  return names !== '' && hosts.every(fits) && Date.parse(certificate.validTo) - now > renewBeforeMs
}

function mustRead(path: string): string {
  const text = readFileIfThere(path)
  if (text === undefined) throw new ConfigError(`there is no file ${path}`)
  return text
}
