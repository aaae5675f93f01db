/** Which headers cross the worker node, in each direction. Everything that is not named here stays behind. */

/** Of the caller's headers, those that always go on: they describe the body, or the answer that is wanted. */
const alwaysPass: ReadonlySet<string> = new Set([
  'content-type',
  'content-encoding',
  'content-language',
  'accept',
])

const oneConnection = 'belongs to a single connection (RFC 9110 section 7.6.1)'
const proxyWord = 'a receiver could take it for the word of a trusted proxy about the caller'

/** Never from the caller to the receiver, whatever a flow allows, with the reason. Names in comparable form. */
const refusedNames: ReadonlyMap<string, string> = new Map([
  [
    'authorization',
    'a credential stays with whom it was given to, name security material in receiver.credential instead',
  ],
  ['cookie', 'the cookies of the sender are for Countersign only'],
  ['cookie2', 'the cookies of the sender are for Countersign only'],
  ['host', 'the receiver gets the host of its own url'],
  ['content-length', 'it is set from the body that is sent'],
  ['expect', 'Countersign answers it itself'],
  ['connection', oneConnection],
  ['keep-alive', oneConnection],
  ['te', oneConnection],
  ['trailer', oneConnection],
  ['transfer-encoding', oneConnection],
  ['upgrade', oneConnection],
  ['http2-settings', oneConnection],
  ['proxy', 'receivers behind CGI take it for the address of their proxy'],
  ['forwarded', proxyWord],
  ['sapauthenticatedusername', 'Countersign sets it to the caller that it authenticated'],
  ['x-csrf-token', 'it is between the sender and Countersign'],
  ['x-correlation-id', 'Countersign sets it'],
  ['sap-messageprocessinglogid', 'Countersign sets it'],
])

const refusedBeginnings: readonly (readonly [string, string])[] = [
  ['proxy-', 'it is between the sender and a proxy'],
  ['x-forwarded', proxyWord],
  ['client-cert', proxyWord],
  ['x-client-cert', proxyWord],
  ['ssl-client', proxyWord],
  ['x-ssl-client', proxyWord],
  ['camel', 'names that begin with camel steer an integration flow from inside'],
]

/** A field name (RFC 9110 section 5.1); `*` is left out, lest someone takes it for a wildcard. */
const fieldName = /^[!#$%&'+.^_`|~0-9A-Za-z-]{1,200}$/

/**
 * What is wrong with a header that a flow wants to let through or set, and what to do instead; undefined: nothing.
 * Names are compared as a CGI-like receiver would: without regard to case, every separator the same.
 */
export function wrongHeaderName(name: string): string | undefined {
  if (!fieldName.test(name))
    return 'is no header name, write one name such as X-Source, without * or white space'
  const reason = whyRefused(name)
  if (reason) return `this header never passes, leave it out: ${reason}`
  const like = comparable(name)
  if (alwaysPass.has(like) && name.toLowerCase() !== like)
    return `a receiver could take it for ${like}, write ${like}`
  return undefined
}

/** Why a header never goes from the caller to the receiver; undefined when it may. */
export function whyRefused(name: string): string | undefined {
  const like = comparable(name)
  return refusedNames.get(like) ?? refusedBeginnings.find(([beginning]) => like.startsWith(beginning))?.[1]
}

function comparable(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '-')
}

/** A flow's allowed headers as `headersForReceiver` takes them; made once, when the flow is deployed. */
export function allowedHeaderSet(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.filter(name => !wrongHeaderName(name)).map(name => name.toLowerCase()))
}

/**
 * The caller's headers that go on to the receiver. Flat lists of name, value, name, value, as Node reads them and
 * undici takes them; `allowed` is in lower case. Content-Length is left to whoever sends the body.
 */
export function headersForReceiver(rawHeaders: readonly string[], allowed: ReadonlySet<string>): string[] {
  const named = namedByConnection(rawHeaders)
  return filterHeaders(rawHeaders, name => {
    const passes = alwaysPass.has(name) || (allowed.has(name) && whyRefused(name) === undefined)
    return passes && !named?.has(name)
  })
}

/** Of the receiver's headers, those that do not go back to the sender. */
const staysBehind: ReadonlySet<string> = new Set([
  // one connection (RFC 9110 section 7.6.1)
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // between Countersign and the receiver
  'set-cookie',
  'set-cookie2',
  'server',
  'www-authenticate',
  // Countersign sets it
  'x-correlation-id',
  'sap_messageprocessinglogid',
  'x-csrf-token',
  'x-content-type-options',
  'strict-transport-security',
  // speaks for a whole origin, and that is Countersign's
  'alt-svc',
  'clear-site-data',
])

/** The receiver's headers that go back to the sender; flat lists as above. Content-Length passes. */
export function headersForSender(rawHeaders: readonly string[]): string[] {
  const named = namedByConnection(rawHeaders)
  return filterHeaders(
    rawHeaders,
    name =>
      !staysBehind.has(name) &&
      !name.startsWith('proxy-') &&
      !name.startsWith('access-control-') &&
      !named?.has(name),
  )
}

function filterHeaders(rawHeaders: readonly string[], passes: (lowerCaseName: string) => boolean): string[] {
  const kept: string[] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!
    if (passes(name.toLowerCase())) kept.push(name, rawHeaders[at + 1]!)
  }
  return kept
}

/** The headers that Connection names (RFC 9110 section 7.6.1), in lower case; undefined in the usual case: none. */
function namedByConnection(rawHeaders: readonly string[]): Set<string> | undefined {
  let named: Set<string> | undefined
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const header = rawHeaders[at]!
    if (header.length !== 'connection'.length || header.toLowerCase() !== 'connection') continue
    for (const option of rawHeaders[at + 1]!.split(',')) {
      const name = option.trim().toLowerCase()
      if (name === 'keep-alive' || name === 'close') continue
      named ??= new Set()
      named.add(name)
    }
  }
  return named
}
