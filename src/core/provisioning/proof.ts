import {
  type ClientAuth,
  clientSecretBasic,
  createTokenClient,
  type TokenClient,
  TokenError,
} from '../../client/index.ts'
import type { ConnectionSettings } from '../calls.ts'
import { second } from '../context.ts'
import { isLinkLocal } from '../network.ts'
import { SystemFailure } from './failure.ts'
import type { OpenedSystem } from './systems/opened.ts'
import { type Authentication, authentications } from './types/common.ts'
import type { ConnectorDependencies } from './types/type.ts'

/** How Countersign proves itself to a system. */
export interface Proof {
  /** Value of the Authorization header; undefined: the connection, or nothing, says who calls. Throws SystemFailure. */
  authorization(): Promise<string | undefined>
  /** For the connections to the system. Throws SystemFailure. */
  connection(): Promise<ConnectionSettings>
  /** The system did not take what `authorization` gave; true: another try may bring another. */
  rejected(authorization: string): boolean
  close(): void
}

export const authenticationOf = ({ properties }: Pick<OpenedSystem, 'properties'>): Authentication =>
  authentications.find(name => name === properties.Authentication) ?? 'NoAuthentication'

/**
 * The described ways: the certificate or the password gets a token where OAuth2TokenServiceURL is set, and is shown to
 * the system itself where it is not.
 */
export function createProof(system: OpenedSystem, deps: ConnectorDependencies): Proof {
  const { properties, credentials } = system
  const kind = authenticationOf(system)
  const certificate = kind === 'ClientCertificateAuthentication' ? system.certificate : undefined
  const tokenUrl = kind === 'NoAuthentication' ? undefined : properties.OAuth2TokenServiceURL
  let client: Promise<TokenClient> | undefined

  async function connection(): Promise<ConnectionSettings> {
    if (kind === 'ClientCertificateAuthentication' && !certificate) throw noCertificate(system)
    const usual = await deps.outbound.connection(system.tenantId, certificate)
    return properties.TrustAll === 'true' ? { ...usual, id: `${usual.id} any`, trustAll: true } : usual
  }

  function auth(): ClientAuth {
    if (kind === 'BasicAuthentication')
      return clientSecretBasic(properties.User ?? '', credentials.Password ?? '')
    return request => {
      request.body.set('client_id', properties.client_id ?? '')
      Object.assign(request.tls, certificate)
    }
  }

  async function newClient(url: string): Promise<TokenClient> {
    // A name is looked up by what guards against it, an address is not.
    if (isLinkLocal(new URL(url).hostname))
      throw new SystemFailure(
        `${system.name}: OAuth2TokenServiceURL ${url} is a link-local address, which is never called`,
        { fatal: true },
      )
    const { ca } = await connection()
    return createTokenClient({
      tokenUrl: url,
      auth: auth(),
      scope: properties.OAuth2TokenScope,
      ...(properties.OAuth2TokenDefaultExpiresIn !== undefined && {
        defaultExpiresIn: Number(properties.OAuth2TokenDefaultExpiresIn),
      }),
      ...(properties['ips.timeout'] !== undefined && {
        timeoutMs: Number(properties['ips.timeout']) * second,
      }),
      tls: { ca: [...deps.publicRoots(), ...ca] },
      lookup: deps.lookup,
      clock: deps.context.now,
    })
  }

  async function token(url: string): Promise<string> {
    try {
      client ??= newClient(url)
      return await (await client).authorizationHeader()
    } catch (error) {
      if (error instanceof TokenError) throw noToken(system, error)
      throw error
    }
  }

  return {
    async authorization() {
      if (tokenUrl !== undefined) return token(tokenUrl)
      if (kind !== 'BasicAuthentication') return undefined
      return `Basic ${Buffer.from(`${properties.User}:${credentials.Password}`).toString('base64')}`
    },
    connection,
    rejected(authorization) {
      if (tokenUrl === undefined) return false
      void client?.then(made => made.invalidate(authorization.replace(/^Bearer /, '')))
      return true
    },
    close() {
      client?.then(made => made.close()).catch(() => {})
    },
  }
}

const noCertificate = ({ name }: OpenedSystem) =>
  new SystemFailure(
    `${name}: Authentication is ClientCertificateAuthentication, but the system has no certificate. Make one: countersign provisioning certificate generate ${name}`,
    { fatal: true },
  )

/** In the words of the described job log, with what the token server said. */
function noToken({ name, properties }: OpenedSystem, failure: TokenError): SystemFailure {
  const { status, error, error_description, message } = failure
  const said = JSON.stringify({ error, error_description })
  const described =
    status === undefined
      ? ''
      : `OAuth request failed with status: ${status}${error === undefined ? '' : ` and body: ${said}`}. `
  // What are options of the library are properties here.
  const advised = message
    .replace('set defaultExpiresIn (seconds)', 'set the property OAuth2TokenDefaultExpiresIn (seconds)')
    .replace('raise timeoutMs', 'raise the property ips.timeout')
  return new SystemFailure(
    `${described}${advised} (token for ${name} from OAuth2TokenServiceURL ${properties.OAuth2TokenServiceURL})`,
    { status, fatal: true },
  )
}
