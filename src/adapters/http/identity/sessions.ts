import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  credentialChecks,
  type IdentityCaller,
  type IdentityRequest,
  type Sessions,
} from '../../../core/identity/index.ts'
import { bodyOnlyRules, readParameters } from '../../../core/parameters.ts'
import { isProblem, Problem } from '../../../core/problem.ts'
import type { Soon } from '../../../core/soon.ts'
import { answerProblem, commonHeaders } from '../answer.ts'
import { readBody } from '../body.ts'
import { observeRefusal, type Surface } from '../observe.ts'
import { envelopeOf } from '../request.ts'
import type { Services } from '../services.ts'
import { isFromHere } from './here.ts'
import { identityProblem } from './problem.ts'

/** As the described system names them. */
const sessionCookie = 'camunda-session'
const csrfName = 'X-CSRF-TOKEN'

export interface SessionServices extends Pick<Services, 'journal' | 'meter' | 'context'> {
  readonly realm: string
  readonly sessions: Sessions
  readonly csrfEnabled: boolean
  readonly takesPasswords: boolean
  authenticate(request: IdentityRequest): Soon<IdentityCaller | Problem>
}

/** What a request shows of who calls. */
export function shownIn(request: IncomingMessage): IdentityRequest {
  const { certificate, source } = envelopeOf(request)
  return {
    authorization: request.headers.authorization,
    session: cookieOf(request, sessionCookie),
    certificate,
    source,
    // Seldom asked for.
    get isFromHere() {
      return isFromHere(request)
    },
  }
}

/** One that comes twice is worth nothing, and is not none: nobody can say which of them the browser meant. */
function cookieOf({ headers: { cookie = '' } }: IncomingMessage, name: string): string | undefined {
  const found = cookie.split(';').flatMap(pair => {
    const at = pair.indexOf('=')
    return pair.slice(0, at).trim() === name ? [pair.slice(at + 1).trim()] : []
  })
  return found.length > 1 ? '' : found[0] || undefined
}

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Who calls? A browser sends its session with whatever page asks for it: what changes something has to show, beside
 * it, the token that only our own pages have.
 */
export async function callerOf(
  request: IncomingMessage,
  { authenticate, sessions, csrfEnabled }: SessionServices,
): Promise<IdentityCaller | Problem> {
  const shown = shownIn(request)
  const caller = await authenticate(shown)
  if (isProblem(caller) || caller.by !== 'session' || !csrfEnabled || safeMethods.has(request.method ?? ''))
    return caller
  const token = request.headers[csrfName.toLowerCase()]
  return same(token, sessions.csrfToken(shown.session!)) ? caller : forged
}

function same(given: unknown, expected: string): boolean {
  if (typeof given !== 'string') return false
  const [one, other] = [Buffer.from(given), Buffer.from(expected)]
  return one.length === other.length && timingSafeEqual(one, other)
}

const forged = new Problem('csrf_required', 'the request does not show where it comes from', {
  check: 'csrf',
  reason: `${csrfName} is missing, or not that of the session`,
  hint: `Send the value of the cookie ${csrfName} in a header of that name.`,
})

const loginPaths: ReadonlySet<string> = new Set(['/login', '/api/login'])
const logoutPaths: ReadonlySet<string> = new Set(['/logout', '/api/logout'])

/** Is it an address at which sessions begin or end? */
export const isOfSessions = (path: string): boolean => loginPaths.has(path) || logoutPaths.has(path)

const surface: Surface = {
  name: 'identity',
  checks: request => ['request', 'credentials', ...credentialChecks(shownIn(request)), 'csrf'],
}
const mostForm = 16 * 1024

/** Begins a session for whoever proves who he is, or ends one. */
export async function handleSession(
  request: IncomingMessage,
  response: ServerResponse,
  services: SessionServices,
): Promise<void> {
  const envelope = envelopeOf(request)
  const secure = envelope.listener !== 'identity-plain' && envelope.listener !== 'plain'
  const result =
    request.method !== 'POST'
      ? new Problem('method_not_allowed', 'POST only', { check: 'request' })
      : loginPaths.has(envelope.path)
        ? await login(request, services)
        : await logout(request, services)
  if (!isProblem(result)) {
    response.writeHead(204, [
      ...commonHeaders(response),
      ...['Cache-Control', 'no-store'],
      ...result.cookies.flatMap(cookie => ['Set-Cookie', withAttributes(cookie, secure)]),
      ...(result.csrf === undefined ? [] : [csrfName, result.csrf]),
    ])
    response.end()
    return
  }
  const rendered = identityProblem(services.takesPasswords)(result, envelope, services.realm)
  observeRefusal(
    result.with({ check: result.check ?? 'credentials' }),
    rendered.status,
    request,
    surface,
    services,
  )
  answerProblem(response, rendered)
}

interface Done {
  readonly cookies: readonly Cookie[]
  readonly csrf?: string
}

interface Cookie {
  readonly name: string
  /** undefined: it is taken away. */
  readonly value: string | undefined
  readonly isOfScripts: boolean
}

/** User and password in a form, or whatever else the API takes. Each time under a new id. */
async function login(request: IncomingMessage, services: SessionServices): Promise<Done | Problem> {
  const { sessions } = services
  if (isOfAnotherSite(request))
    return new Problem('csrf_required', 'another site cannot sign anybody in', { check: 'csrf' })
  const shown = shownIn(request)
  const authorization = shown.authorization ?? (await authorizationInForm(request))
  if (isProblem(authorization)) return authorization
  const caller = await services.authenticate({ ...shown, authorization, session: undefined })
  if (isProblem(caller)) return caller
  const { principal, by, displayName, email, until, proof } = caller
  // Nobody in particular has nothing to be remembered. A certificate comes with each connection, and is looked at each
  // time; and the service does not lend itself for longer than a request.
  if (!principal || (by !== 'token' && by !== 'password'))
    return new Problem('no_credentials', 'credentials are needed', { check: 'credentials' })
  if (shown.session !== undefined) await sessions.end(shown.session)
  const cookie = await sessions.begin({ principal, by, displayName, email, until, proof })
  const csrf = sessions.csrfToken(cookie)
  return {
    cookies: [
      { name: sessionCookie, value: cookie, isOfScripts: false },
      { name: csrfName, value: csrf, isOfScripts: true },
    ],
    csrf,
  }
}

/** Browsers say who asks; old ones say at least of which origin the page is. */
function isOfAnotherSite({ headers: { 'sec-fetch-site': site, origin, host } }: IncomingMessage): boolean {
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  return origin !== undefined && origin.replace(/^https?:\/\//, '') !== host
}

async function authorizationInForm(request: IncomingMessage): Promise<string | undefined | Problem> {
  if (!/^application\/x-www-form-urlencoded *(;|$)/i.test(request.headers['content-type'] ?? ''))
    return undefined
  const body = await readBody(request, mostForm)
  if (isProblem(body)) return body
  const form = readParameters(body, '', bodyOnlyRules)
  if (isProblem(form)) return form
  const [username, password] = [form.get('username'), form.get('password')]
  if (username === undefined || password === undefined)
    return new Problem('invalid_request', 'username and password are needed', { check: 'credentials' })
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

async function logout(request: IncomingMessage, services: SessionServices): Promise<Done | Problem> {
  const caller = await callerOf(request, services)
  const { session } = shownIn(request)
  // One that has ended by itself has ended.
  if (isProblem(caller) && caller.code === 'csrf_required') return caller
  if (session !== undefined) await services.sessions.end(session)
  return {
    cookies: [
      { name: sessionCookie, value: undefined, isOfScripts: false },
      { name: csrfName, value: undefined, isOfScripts: true },
    ],
  }
}

const withAttributes = ({ name, value, isOfScripts }: Cookie, secure: boolean): string =>
  [
    `${name}=${value ?? ''}`,
    'Path=/',
    'SameSite=Strict',
    ...(isOfScripts ? [] : ['HttpOnly']),
    ...(secure ? ['Secure'] : []),
    ...(value === undefined ? ['Max-Age=0'] : []),
  ].join('; ')
