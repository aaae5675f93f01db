import { createPrivateKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { ServerIdentity } from '../adapters/http/server.ts'
import type { Context } from '../core/context.ts'
import { day } from '../core/context.ts'
import type { Ending } from '../core/expiry.ts'
import { readCertificateInput } from '../crypto/pem.ts'
import { issueServerCertificate, makeRoot } from '../crypto/server-certificate.ts'
import { certificateFingerprint } from '../crypto/thumbprint.ts'
import { basesOf } from './bases.ts'
import { type Config, ConfigError } from './config.ts'
import { rootFile } from './data-directory.ts'
import { readFileIfThere, writeFileWhole } from './files.ts'

const rootKeyFile = (dataDir: string) => join(dataDir, 'ca-key.pem')
const certFile = (dataDir: string) => join(dataDir, 'server.pem')
const keyFile = (dataDir: string) => join(dataDir, 'server-key.pem')

const validDays = 397
const renewBeforeMs = 30 * day

/** The server certificate: the operator's own, or one issued by the root in the data directory, made when missing. */
export function serverIdentity(config: Config, context: Context): ServerIdentity {
  if (config.tlsCertFile !== undefined) return operatorsIdentity(config.tlsCertFile, config.tlsKeyFile!)
  const { dataDir } = config
  const hosts = hostsOf(config)
  const cert = readFileIfThere(certFile(dataDir))
  const key = readFileIfThere(keyFile(dataDir))
  const root = readRoot(dataDir)
  if (root && cert && key && isGood({ cert, key }, root.pem, hosts, context.now())) return { cert, key }
  return issue(dataDir, hosts, root, context)
}

function operatorsIdentity(certPath: string, keyPath: string): ServerIdentity {
  const cert = mustRead(certPath)
  const key = mustRead(keyPath)
  const certificate = orConfigError('COUNTERSIGN_TLS_CERT_FILE', certPath, () => new X509Certificate(cert))
  const privateKey = orConfigError('COUNTERSIGN_TLS_KEY_FILE', keyPath, () => createPrivateKey(key))
  if (!certificate.checkPrivateKey(privateKey))
    throw new ConfigError(
      `COUNTERSIGN_TLS_KEY_FILE: ${keyPath} is not the key of the first certificate in ${certPath}`,
    )
  return { cert, key }
}

function orConfigError<Value>(setting: string, path: string, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    throw new ConfigError(`${setting}: cannot read ${path} as PEM (${(error as Error).message})`)
  }
}

/** The certificates that the server shows, and that end before `time` with nothing to renew them. */
export function endingServerCertificates(
  time: number,
  config: Config,
  { now }: Pick<Context, 'now'>,
): Ending[] {
  const own = config.tlsCertFile === undefined
  const path = config.tlsCertFile ?? certFile(config.dataDir)
  return chainIn(path).flatMap((certificate, i) => {
    const notAfter = Date.parse(certificate.validTo)
    // The first one is made anew by itself, within a day after it is due.
    const overdue = notAfter - now() < renewBeforeMs - 2 * day
    if (notAfter >= time || (own && i === 0 && !overdue)) return []
    return {
      of: 'server',
      id: certificateFingerprint(certificate.raw),
      names: { subject: certificate.subject.replaceAll('\n', ',') },
      notAfter,
      hint: own
        ? 'Remove server.pem from the data directory, and ca.pem with ca-key.pem if the root ends; senders must trust the new root.'
        : `Put its successor into ${path}; it is read within a second.`,
    }
  })
}

/** None where the file cannot be read, which is told when the server comes to read it. */
function chainIn(path: string): X509Certificate[] {
  try {
    return readCertificateInput(readFileIfThere(path) ?? '').map(der => new X509Certificate(der))
  } catch {
    return []
  }
}

/** Where the identity comes from: files to watch for a change. */
export function identityFiles(config: Config): string[] {
  return config.tlsCertFile !== undefined
    ? [config.tlsCertFile, config.tlsKeyFile!]
    : [certFile(config.dataDir), keyFile(config.dataDir)]
}

function issue(
  dataDir: string,
  hosts: readonly string[],
  known: Root | undefined,
  context: Context,
): ServerIdentity {
  const { now, random } = context
  const root = known ?? createRoot(dataDir, context)
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

type Root = NonNullable<ReturnType<typeof readRoot>>

function readRoot(dataDir: string) {
  const pem = readFileIfThere(rootFile(dataDir))
  const key = readFileIfThere(rootKeyFile(dataDir))
  if (!pem || !key) return undefined
  return { pem, der: new X509Certificate(pem).raw, privateKey: createPrivateKey(key) }
}

/** Fits the hosts and its key, is of the root that senders trust, and lasts for a while. */
function isGood(
  { cert, key }: ServerIdentity,
  rootPem: string,
  hosts: readonly string[],
  now: number,
): boolean {
  const certificate = new X509Certificate(cert)
  const names = certificate.subjectAltName ?? ''
  const fits = (host: string) =>
    (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined
  return (
    names !== '' &&
    hosts.every(fits) &&
    certificate.checkPrivateKey(createPrivateKey(key)) &&
    certificate.verify(new X509Certificate(rootPem).publicKey) &&
    Date.parse(certificate.validTo) - now > renewBeforeMs
  )
}

function mustRead(path: string): string {
  const text = readFileIfThere(path)
  if (text === undefined) throw new ConfigError(`there is no file ${path}`)
  return text
}

/** The names in the server certificate: those under which senders reach it, on either port. */
function hostsOf(config: Config): string[] {
  const { publicUrl, mtlsUrl } = basesOf(config)
  const named = [publicUrl, mtlsUrl].map(url => new URL(url).hostname.replace(/^\[|\]$/g, ''))
  return [...new Set(['localhost', '127.0.0.1', '::1', ...named])]
}
