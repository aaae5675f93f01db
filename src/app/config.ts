import { isAbsolute, resolve } from 'node:path'
import { parse } from 'yaml'
import { nearestName } from '../core/nearest.ts'
import { defaultDataDir } from './data-directory.ts'

/** What the operator decided; the environment wins over the file. */
export interface Config {
  /** Absolute. */
  readonly dataDir: string
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly mtlsPort: number
  readonly pkiPort: number
  /** undefined: made of host and port. */
  readonly publicUrl: string | undefined
  readonly mtlsUrl: string | undefined
  readonly pkiUrl: string | undefined
  /** Where a proxy forwards the certificates of senders; undefined: nowhere. */
  readonly proxy: ProxyConfig | undefined
  readonly tlsCertFile: string | undefined
  readonly tlsKeyFile: string | undefined
  /** undefined: the embedded SQLite store in the data directory. */
  readonly databaseUrl: string | undefined
  readonly masterKey: string | undefined
  readonly masterKeyFile: string | undefined
  readonly workers: number
  readonly logLevel: string
  readonly logFormat: 'json' | 'text'
  /** What the operator should look at. */
  readonly warnings: readonly string[]
}

/** The configuration cannot be used; the message says which setting, and what to write. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  /** What the log says of it as well, in described words; undefined: nothing. */
  readonly line: { readonly message: string; readonly fields: object } | undefined

  constructor(message: string, line?: ConfigError['line']) {
    super(message)
    this.line = line
  }
}

const prefix = 'COUNTERSIGN_'

/** Every setting: its variable without the prefix, and its default. */
const settings = {
  DATA_DIR: defaultDataDir,
  HOST: '127.0.0.1',
  PORT: '8443',
  MTLS_PORT: '9443',
  PKI_PORT: '8480',
  PUBLIC_URL: undefined,
  MTLS_URL: undefined,
  PKI_URL: undefined,
  PROXY_LISTEN: undefined,
  PROXY_CA_FILE: undefined,
  PROXY_HEADER: undefined,
  TLS_CERT_FILE: undefined,
  TLS_KEY_FILE: undefined,
  DATABASE_URL: undefined,
  MASTER_KEY: undefined,
  MASTER_KEY_FILE: undefined,
  WORKERS: '1',
  LOG_LEVEL: 'info',
  LOG_FORMAT: 'json',
} as const satisfies Record<string, string | undefined>

type Setting = keyof typeof settings

/** Variables of other programs of ours, and those that camunda/ reads. */
const elsewhere = /^COUNTERSIGN_(TEST|IDENTITY)_/

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Text of the file given by `--config`. */
  readonly file?: string | undefined
  readonly cwd: string
  readonly processors: number
}

/** Reads the configuration from environment and file. Throws ConfigError. */
export function readConfig({ env, file, cwd, processors }: Surroundings): Config {
  const fromFile = file === undefined ? {} : readFile(file)
  const get = (name: Setting): string | undefined => {
    // Set to nothing is not set.
    return env[prefix + name] || fromFile[name] || settings[name]
  }
  const path = (name: Setting) => {
    const given = get(name)
    return given === undefined || isAbsolute(given) ? given : resolve(cwd, given)
  }
  const cert = path('TLS_CERT_FILE')
  const key = path('TLS_KEY_FILE')
  if ((cert === undefined) !== (key === undefined))
    throw new ConfigError(`${prefix}TLS_CERT_FILE and ${prefix}TLS_KEY_FILE go together: set both or none`)
  const databaseUrl = get('DATABASE_URL')
  const onPostgres = databaseUrl !== undefined && /^postgres(ql)?:\/\//.test(databaseUrl)
  if (databaseUrl !== undefined && !onPostgres)
    throw new ConfigError(
      `${prefix}DATABASE_URL must begin with postgres:// (leave it out for the embedded store)`,
    )
  const masterKey = get('MASTER_KEY')
  const masterKeyFile = path('MASTER_KEY_FILE')
  if (masterKey !== undefined && masterKeyFile !== undefined)
    throw new ConfigError(`set ${prefix}MASTER_KEY or ${prefix}MASTER_KEY_FILE, not both`)
  if (onPostgres && masterKey === undefined && masterKeyFile === undefined)
    throw new ConfigError(
      `with ${prefix}DATABASE_URL the nodes share a master key: set ${prefix}MASTER_KEY_FILE (32 random bytes: openssl rand -base64 32)`,
    )
  return {
    dataDir: path('DATA_DIR')!,
    host: get('HOST')!,
    port: port('PORT', get('PORT')!),
    mtlsPort: port('MTLS_PORT', get('MTLS_PORT')!),
    pkiPort: port('PKI_PORT', get('PKI_PORT')!),
    publicUrl: baseUrl('PUBLIC_URL', 'https:', get('PUBLIC_URL')),
    mtlsUrl: baseUrl('MTLS_URL', 'https:', get('MTLS_URL')),
    pkiUrl: baseUrl('PKI_URL', 'http:', get('PKI_URL')),
    proxy: proxyConfig(get('PROXY_LISTEN'), path('PROXY_CA_FILE'), get('PROXY_HEADER')),
    tlsCertFile: cert,
    tlsKeyFile: key,
    databaseUrl,
    masterKey,
    masterKeyFile,
    workers: workers(get('WORKERS')!, processors),
    logLevel: oneOf('LOG_LEVEL', get('LOG_LEVEL')!, ['debug', 'info', 'warn', 'error']),
    logFormat: oneOf('LOG_FORMAT', get('LOG_FORMAT')!, ['json', 'text']),
    warnings: unknownVariables(env),
  }
}

/** `dataDir`, `data-dir`, `data_dir` and `COUNTERSIGN_DATA_DIR` all say the same in a file. */
function readFile(text: string): Partial<Record<Setting, string>> {
  let document: unknown
  try {
    document = parse(text)
  } catch (error) {
    throw new ConfigError(`the configuration file is not YAML: ${(error as Error).message}`)
  }
  if (document === null) return {}
  if (typeof document !== 'object' || Array.isArray(document))
    throw new ConfigError('the configuration file must be a mapping, such as `port: 8443`')
  const plain = (name: string) =>
    name
      .replace(/^COUNTERSIGN_/i, '')
      .replace(/[-_]/g, '')
      .toLowerCase()
  const byPlainName = new Map(Object.keys(settings).map(name => [plain(name), name as Setting]))
  const found: Partial<Record<Setting, string>> = {}
  for (const [name, value] of Object.entries(document)) {
    if (ofIdentity.test(name)) continue
    const setting = byPlainName.get(plain(name))
    if (!setting) throw new ConfigError(unknown(name, Object.keys(settings).map(camel)))
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
      throw new ConfigError(`${name} in the configuration file must be a plain value`)
    found[setting] = String(value)
  }
  return found
}

/** Settings of the identity service, which are read elsewhere (`camunda/read.ts`). */
const ofIdentity = /^(camunda|zeebe|server|spring|logging|management|initial)([._-]|$)/i

const camel = (name: string) =>
  name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

function unknownVariables(env: Surroundings['env']): string[] {
  return Object.keys(env)
    .filter(name => name.startsWith(prefix) && !elsewhere.test(name))
    .map(name => name.slice(prefix.length))
    .filter(name => !Object.hasOwn(settings, name))
    .map(name => unknown(name, Object.keys(settings), prefix))
}

/** `before` stands before every name: it makes no two of them alike. */
function unknown(name: string, known: readonly string[], before = ''): string {
  const near = nearestName(name, known)
  return `${before}${name} is not a setting${near ? `; did you mean ${before}${near}?` : ''}`
}

function port(name: Setting, text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 0 && value <= 65_535) return value
  throw new ConfigError(`${prefix}${name} must be a port number, not ${text}`)
}

function workers(text: string, processors: number): number {
  if (text === 'auto') return processors
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 256) return value
  throw new ConfigError(`${prefix}WORKERS must be a number from 1 to 256, or auto, not ${text}`)
}

function baseUrl(name: Setting, protocol: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== protocol || url.search || url.hash || url.username)
    throw new ConfigError(`${prefix}${name} must be an ${protocol}// address without query, not ${text}`)
  return text.replace(/\/+$/, '')
}

/**
 * The only listener that reads a forwarded certificate. Who forwards must be known: by the file mode of a socket, or
 * by a certificate of its own.
 */
export interface ProxyConfig {
  /** Path of a socket, or host and port. */
  readonly listen: { readonly path: string } | { readonly host: string; readonly port: number }
  /** PEM file of the authority of the proxy's own certificate; for host and port. */
  readonly caFile: string | undefined
  /** Lower case. */
  readonly header: string
}

function proxyConfig(
  listen: string | undefined,
  caFile: string | undefined,
  header: string | undefined,
): ProxyConfig | undefined {
  if (listen === undefined) {
    if (caFile ?? header)
      throw new ConfigError(`${prefix}PROXY_CA_FILE and ${prefix}PROXY_HEADER need ${prefix}PROXY_LISTEN`)
    return undefined
  }
  if (header === undefined)
    throw new ConfigError(
      `${prefix}PROXY_LISTEN needs ${prefix}PROXY_HEADER, the one header in which the proxy forwards certificates, such as x-forwarded-client-cert or client-cert`,
    )
  if (!/^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(header))
    throw new ConfigError(
      `${prefix}PROXY_HEADER must be the name of a header, of letters, digits and dashes (proxies mix up dash and underscore), not ${header}`,
    )
  const socket = /^unix:(\/.+)$/.exec(listen)?.[1]
  if (socket !== undefined) {
    if (caFile !== undefined)
      throw new ConfigError(
        `${prefix}PROXY_CA_FILE is for host:port: there is no TLS on a socket, whose mode decides who may use it`,
      )
    return { listen: { path: socket }, caFile, header: header.toLowerCase() }
  }
  const at = /^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(\d+)$/.exec(listen)
  if (!at || at[2] === '0')
    throw new ConfigError(`${prefix}PROXY_LISTEN must be unix:/path or host:port, not ${listen}`)
  if (caFile === undefined)
    throw new ConfigError(
      `${prefix}PROXY_LISTEN on a port needs ${prefix}PROXY_CA_FILE: the proxy must show a certificate of that authority, else anybody could forward what it likes`,
    )
  return {
    listen: { host: at[1]!.replace(/^\[|\]$/g, ''), port: port('PROXY_LISTEN', at[2]!) },
    caFile,
    header: header.toLowerCase(),
  }
}

function oneOf<const Name extends string>(setting: Setting, text: string, names: readonly Name[]): Name {
  const found = names.find(name => name === text.toLowerCase())
  if (found) return found
  throw new ConfigError(`${prefix}${setting} must be one of ${names.join(', ')}, not ${text}`)
}
