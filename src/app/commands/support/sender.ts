import {
  discover,
  readServiceKey,
  type ServiceKey,
  type ServiceKeyClientOptions,
  type TlsOptions,
  type TokenClient,
  TokenError,
  tokenClientFromServiceKey,
} from '../../../client/index.ts'
import { Refused, WrongUsage } from './errors.ts'
import { unreachable } from './exchange.ts'
import type { Trust } from './trust.ts'

/** A service key from parsed JSON of any shape. `file` is for the complaint. Throws WrongUsage. */
export function readKey(json: unknown, file: string): ServiceKey {
  try {
    return readServiceKey(json)
  } catch (error) {
    throw new WrongUsage(`${file === '-' ? 'standard input' : file}: ${(error as Error).message}`)
  }
}

export interface TokenClientChoices {
  readonly format?: string | undefined
  /** What the connection shows, where the key is one of a certificate. */
  readonly certificate?: TlsOptions | undefined
  /** With which assertions are signed, where the key is one of public keys. */
  readonly signingKey?: ServiceKeyClientOptions['signingKey']
}

/** The token client of a service key. Its secret goes to its own `tokenurl` and nowhere else. */
export function tokenClient(
  key: ServiceKey,
  trust: Trust,
  { format, certificate, signingKey }: TokenClientChoices = {},
): TokenClient {
  return explained(key, () =>
    tokenClientFromServiceKey(key, {
      tls: { ca: trust(new URL(key.tokenUrl)), ...certificate },
      signingKey,
      ...(format !== undefined && { parameters: { token_format: format } }),
    }),
  )
}

/** Runs `ask`; why no token came is said in the words of this program. With `trust` it also looks for another address. */
export async function asSender<Value>(
  key: ServiceKey,
  ask: () => Promise<Value>,
  trust?: Trust,
): Promise<Value> {
  try {
    return await ask()
  } catch (error) {
    throw (trust && (await wrongPort(key, error, trust))) ?? told(key, error)
  }
}

function explained<Value>(key: ServiceKey, make: () => Value): Value {
  try {
    return make()
  } catch (error) {
    throw told(key, error)
  }
}

function told(key: ServiceKey, error: unknown): unknown {
  if (!(error instanceof TokenError)) return error
  const url = new URL(key.tokenUrl)
  if (error.code === 'invalid_configuration') return new WrongUsage(error.message)
  if (error.status === undefined && error.cause instanceof Error) return unreachable(url, error.cause)
  const id = error.correlation_id
  if (id === undefined) return new Refused(error.message)
  const message = error.message.replace(` (correlation id ${id})`, '')
  return new Refused(message, { correlationId: id, hint: explainHint(url, id) })
}

/** A certificate that was shown where none is asked for: the server's metadata has the right address (RFC 8705 section 5). */
async function wrongPort(key: ServiceKey, error: unknown, trust: Trust): Promise<Refused | undefined> {
  const refused = error instanceof TokenError && error.error === 'invalid_client'
  const [, issuer] = /^(.*)\/oauth\/token$/.exec(key.tokenUrl) ?? []
  if (!refused || key.clientSecret !== undefined || issuer === undefined) return undefined
  try {
    const { mtlsTokenEndpoint: right } = await discover(issuer, {
      tls: { ca: trust(new URL(issuer)) },
      timeoutMs: 5000,
    })
    if (right === undefined || right === key.tokenUrl) return undefined
    return new Refused(`${key.tokenUrl} asks for no certificate`, {
      correlationId: error.correlation_id,
      hint: `Certificates are asked for at ${right}: correct tokenurl in the key.`,
    })
  } catch {
    return undefined
  }
}

/** How the operator learns more about a refusal at an address; that of another tenant is explained there. */
export function explainHint({ pathname }: URL, correlationId: string): string {
  const tenant = /^\/tenants\/([a-z0-9-]{2,40})\//.exec(pathname)?.[1]
  return `Why: countersign explain ${correlationId}${tenant === undefined ? '' : ` --tenant ${tenant}`}`
}
