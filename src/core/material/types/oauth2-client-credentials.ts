import type { z } from 'zod'
import { isLinkLocal } from '../../network.ts'
import { listOf, oneOf, text } from '../../schema.ts'
import { description, printableText, secretText, spelledMembers } from './members.ts'
import { materialType } from './type.ts'

const mostParameters = 20
const mostCharacters = 1024

/** What the other members say. */
const ownParameters: ReadonlySet<string> = new Set(['client_id', 'client_secret', 'grant_type'])
/** What HTTP itself, and the ways to authenticate, say in headers. */
const ownHeaders: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const customParameter = spelledMembers(
  {
    key: printableText('tenant', mostCharacters),
    value: printableText('acme', mostCharacters),
    sendAsPartOf: oneOf(['body', 'header', 'url']),
  },
  '{ key: tenant, value: acme, sendAsPartOf: body }',
).superRefine(({ key, sendAsPartOf }, check) => {
  const message = wrongKey(key, sendAsPartOf)
  if (message) check.addIssue({ code: 'custom', path: ['key'], message })
})

/** The client credentials grant at the token server of somebody else (RFC 6749 section 4.4). */
export const oauth2ClientCredentials = materialType({
  name: 'oauth2-client-credentials',
  schema: spelledMembers(
    {
      description,
      tokenServiceUrl: text('https://login.example/oauth/token', wrongTokenServer),
      /** Where the grant type is sent. */
      grantType: oneOf(['body', 'url']).default('body'),
      clientId: printableText('erp', mostCharacters),
      clientSecret: secretText('the secret', 4096).optional(),
      /** In place of a secret: a key pair whose certificate is shown to the token server (RFC 8705). */
      keystoreAlias: printableText('erp', 250).optional(),
      /** How the secret is sent: as a parameter of the body, or in a header (HTTP Basic). */
      clientAuthentication: oneOf(['body', 'header']).optional(),
      scope: printableText('orders.read orders.write', 4096).optional(),
      /** Of the token request. */
      contentType: text('application/x-www-form-urlencoded', wrongMediaType).optional(),
      resource: printableText('https://api.example', mostCharacters).optional(),
      audience: printableText('https://api.example', mostCharacters).optional(),
      customParameters: listOf(
        customParameter,
        mostParameters,
        '[{ key: tenant, value: acme, sendAsPartOf: body }]',
      )
        .superRefine(checkDuplicates)
        .default([]),
    },
    '{ tokenServiceUrl, clientId, clientSecret }',
  ).superRefine(({ clientSecret, keystoreAlias, clientAuthentication }, check) => {
    const message =
      (clientSecret === undefined) === (keystoreAlias === undefined)
        ? 'write clientSecret or keystoreAlias, one of the two'
        : keystoreAlias !== undefined && clientAuthentication !== undefined
          ? 'clientAuthentication says how a secret is sent: leave it away beside keystoreAlias'
          : undefined
    if (message) check.addIssue({ code: 'custom', message })
  }),
  show: ({ clientSecret: _, customParameters, ...shown }) => ({
    description: shown.description,
    tokenServiceUrl: shown.tokenServiceUrl,
    grantType: shown.grantType,
    clientId: shown.clientId,
    keystoreAlias: shown.keystoreAlias,
    clientAuthentication: shown.clientAuthentication,
    scope: shown.scope,
    contentType: shown.contentType,
    resource: shown.resource,
    audience: shown.audience,
    // Keys of others' interfaces are sent in headers and parameters: their values may be secrets, too.
    customParameters: customParameters.map(({ key, sendAsPartOf }) => ({ key, sendAsPartOf })),
  }),
})

function wrongKey(key: string, sendAsPartOf: string): string | undefined {
  const name = key.toLowerCase()
  if (sendAsPartOf !== 'header')
    return ownParameters.has(name) ? `${name} is sent already: leave it away` : undefined
  // A token of RFC 9110 section 5.6.2.
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(key)) return 'is no name of a header, write one such as X-Tenant'
  return ownHeaders.has(name) ? `${name} is no header to set here: leave it away` : undefined
}

function checkDuplicates(
  parameters: readonly { key: string; value: string; sendAsPartOf: string }[],
  check: z.RefinementCtx,
): void {
  const seen = new Set<string>()
  for (const [at, { key, value, sendAsPartOf }] of parameters.entries()) {
    const triple = JSON.stringify([key, value, sendAsPartOf])
    if (seen.has(triple))
      check.addIssue({ code: 'custom', path: [at], message: 'is there already: leave it away' })
    seen.add(triple)
  }
}

/** Who listens on the way would have the secret (RFC 6749 section 3.2): TLS, but on this machine itself. */
function wrongTokenServer(value: string): string | undefined {
  const url = URL.parse(value)
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(url?.hostname ?? '')
  if (value.length > mostCharacters || (url?.protocol !== 'https:' && !(local && url?.protocol === 'http:')))
    return 'write an https address, such as https://login.example/oauth/token'
  // Where clouds keep the credentials of their machines (design 3.14).
  if (isLinkLocal(url.hostname)) return 'write an address that is not link-local: those are never called'
  return url.username || url.password || url.hash
    ? 'write the address without user, password and fragment'
    : undefined
}

function wrongMediaType(value: string): string | undefined {
  return /^[\w.+-]{1,80}\/[\w.+-]{1,80}(; ?[\w-]{1,40}=[\w-]{1,40})?$/.test(value)
    ? undefined
    : 'write a media type, such as application/x-www-form-urlencoded'
}
