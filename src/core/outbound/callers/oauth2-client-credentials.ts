import {
  type ClientAuth,
  clientSecretBasic,
  clientSecretPost,
  createTokenClient,
  type TlsOptions,
  TokenError,
  type TokenEvent,
} from '../../../client/index.ts'
import { second } from '../../context.ts'
import { whyOutOfDate } from '../../keystore/index.ts'
import type { SecurityMaterial } from '../../material/index.ts'
import { isProblem, Problem } from '../../problem.ts'
import { shownCertificate } from '../shown-certificate.ts'
import type { Caller, CallerContext, Carried } from './caller.ts'

type Material = Extract<SecurityMaterial, { type: 'oauth2-client-credentials' }>

/** A token of the token server of others, kept while it is good; a bound one comes with its certificate. */
export function oauth2Caller(material: Material, deps: CallerContext): Caller {
  const { name, content } = material
  const { context, tls, lookup } = deps
  const custom = (place: 'body' | 'header' | 'url') =>
    Object.fromEntries(
      content.customParameters
        .filter(({ sendAsPartOf }) => sendAsPartOf === place)
        .map(({ key, value }) => [key, value]),
    )
  const client = createTokenClient({
    tokenUrl: content.tokenServiceUrl,
    auth: authOf(material, deps),
    scope: content.scope,
    resource: content.resource,
    audience: content.audience,
    parameters: custom('body'),
    headers: custom('header'),
    query: custom('url'),
    grantTypeIn: content.grantType === 'url' ? 'url' : 'body',
    contentType: content.contentType,
    tls,
    lookup,
    clock: context.now,
    onEvent: event => tell(event, material, deps),
  })

  let waiting = 0
  let isClosed = false
  let renewedAt = Number.NEGATIVE_INFINITY

  /** A receiver that refuses everything must not drive the client to the token server with every message. */
  function rejected(authorization: string): void {
    if (context.now() - renewedAt < renewalMs) return
    renewedAt = context.now()
    client.invalidate(authorization.replace(/^Bearer /, ''))
  }

  return {
    async carry(): Promise<Carried | Problem> {
      waiting++
      try {
        const { authorization, tls: shown } = await client.credentials()
        const carried = certificateIn(shown)
        return {
          authorization,
          rejected: () => rejected(authorization),
          ...carried,
          ...(carried.certificate && { outOfDate: await outOfDate(material, deps) }),
        }
      } catch (error) {
        if (error instanceof TokenError) return noToken(name, error, await outOfDate(material, deps))
        throw error
      } finally {
        waiting--
        if (isClosed && waiting === 0) client.close()
      }
    },
    close() {
      isClosed = true
      if (waiting === 0) client.close()
    },
  }
}

/** After a refusal of the receiver no other token is got before that. */
const renewalMs = 30 * second

function authOf({ tenantId, content }: Material, { keystore }: CallerContext): ClientAuth {
  const { clientId, clientSecret, keystoreAlias, clientAuthentication } = content
  if (clientSecret !== undefined)
    return clientAuthentication === 'header'
      ? clientSecretBasic(clientId, clientSecret)
      : clientSecretPost(clientId, clientSecret)
  // Looked up for each request, so that a renewed certificate counts at once.
  return async request => {
    const identity = await keystore.find(tenantId, keystoreAlias!)
    if (isProblem(identity)) throw new TokenError('invalid_configuration', identity.description)
    request.body.set('client_id', clientId)
    Object.assign(request.tls, shownCertificate(identity))
  }
}

function certificateIn({ cert, key }: TlsOptions): Carried {
  return typeof cert === 'string' && typeof key === 'string' ? { certificate: { cert, key } } : {}
}

async function outOfDate(
  { tenantId, content: { keystoreAlias } }: Material,
  { keystore, context }: CallerContext,
): Promise<string | undefined> {
  const identity = keystoreAlias === undefined ? undefined : await keystore.find(tenantId, keystoreAlias)
  return identity && !isProblem(identity) ? whyOutOfDate(identity, context.now()) : undefined
}

const noToken = (name: string, { message }: TokenError, outOfDate: string | undefined): Problem =>
  new Problem('receiver_failed', 'the receiver cannot be called', {
    reason: [`there is no token for credential ${name}: ${message}`, outOfDate].filter(Boolean).join('; '),
    hint: 'Compare with `countersign material list`; does `countersign connectivity-test` reach the token server?',
  })

/** What an operator has to know of; a single failure is in the message log. */
function tell(event: TokenEvent, { name, tenantId }: Material, { context }: CallerContext): void {
  if (event.type === 'circuit-opened')
    context.log.warn(
      { tenantId, credential: name, until: event.until },
      'the token server of a credential does not answer, and is left alone for a while',
    )
  if (event.type === 'circuit-closed')
    context.log.info({ tenantId, credential: name }, 'the token server of a credential answers again')
}
