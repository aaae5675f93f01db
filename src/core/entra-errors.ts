import { Problem, type ProblemCode, type ProblemDetails } from './problem.ts'

interface EntraError {
  readonly code: ProblemCode
  /** The OAuth error where Microsoft Entra has another word for it than the code. */
  readonly error?: string
  /** For the caller; `values` are what the request said, made fit for an error description. */
  text(...values: string[]): string
}

const row = (code: ProblemCode, text: EntraError['text'], error?: string): EntraError => ({
  code,
  text,
  ...(error && { error }),
})

/** THE LIST of refusals at the addresses of Microsoft Entra, by the number (`AADSTS...`) that its clients look at. */
export const entraErrors: Readonly<Record<number, EntraError>> = {
  50000: row('internal', () => 'There was an error issuing a token.'),
  90033: row('unavailable', () => 'A transient error has occurred. Please try again.'),
  90055: row(
    'too_many_failures',
    () => 'The request was throttled: too many failed attempts.',
    'temporarily_unavailable',
  ),
  // the request
  900561: row(
    'method_not_allowed',
    method => `The endpoint only accepts POST requests. Received a ${method} request.`,
  ),
  9002313: row('invalid_request', what => `Invalid request. Request is malformed or invalid: ${what}.`),
  900144: row('invalid_request', name => `The request body must contain the following parameter: '${name}'.`),
  70003: row('unsupported_grant_type', name => `The app requested an unsupported grant type '${name}'.`),
  // whose it is
  90002: row(
    'not_found',
    name =>
      `Tenant '${name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.`,
    'invalid_request',
  ),
  9001023: row(
    'not_found',
    name =>
      `The grant type is not supported over the /common or /consumers endpoints (here: /${name}). Please use the /organizations or tenant-specific endpoint.`,
    'invalid_request',
  ),
  700016: row(
    'unauthorized_client',
    (id, tenant) =>
      `Application with identifier '${id}' was not found in the directory '${tenant}'. This can happen if the application has not been installed by the administrator of the tenant.`,
  ),
  7000112: row('unauthorized_client', id => `Application '${id}' is disabled.`),
  // what it proves itself by
  7000218: row(
    'invalid_client',
    () => "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
  ),
  7000215: row(
    'invalid_client',
    id =>
      `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${id}'.`,
  ),
  7000222: row('invalid_client', id => `The provided client secret keys for app '${id}' are expired.`),
  50027: row('invalid_client', what => `JWT token is invalid or malformed: ${what}.`),
  700027: row(
    'invalid_client',
    (why, used, id) =>
      `The certificate with identifier used to sign the client assertion is not registered on application. [Reason - ${why}, Thumbprint of key used by client: '${used}', Please visit the configured keys for app Id '${id}'].`,
  ),
  50048: row(
    'invalid_client',
    (sub, iss) => `Subject must match Issuer claim in the client assertion (sub: '${sub}', iss: '${iss}').`,
  ),
  700021: row(
    'invalid_client',
    iss => `Client assertion application identifier '${iss}' doesn't match 'client_id' parameter.`,
  ),
  700023: row(
    'invalid_client',
    (aud, expected) =>
      `Client assertion audience claim '${aud}' does not match Realm issuer. Use '${expected}'.`,
  ),
  700024: row(
    'invalid_client',
    (now, from, to, why) =>
      `Client assertion is not within its valid time range. Current time: ${now}, assertion valid from ${from}, expiry time of assertion ${to}. ${why}.`,
  ),
  // what it asks for
  1002012: row(
    'invalid_scope',
    scope =>
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
  ),
  700022: row(
    'invalid_scope',
    scope => `The provided value for scope ${scope} is not valid: it names more than one resource.`,
  ),
  500011: row(
    'invalid_target',
    (name, tenant) =>
      `The resource principal named ${name} was not found in the tenant named ${tenant}. This can happen if the application has not been installed by the administrator of the tenant.`,
    'invalid_resource',
  ),
  50001: row(
    'invalid_target',
    name => `The resource principal named ${name} is disabled.`,
    'invalid_resource',
  ),
  501051: row(
    'unauthorized_client',
    (id, resource) => `Application '${id}' is not assigned to a role for the application '${resource}'.`,
    'invalid_grant',
  ),
  50049: row('invalid_request', name => `Unknown or invalid instance: ${name}.`, 'invalid_instance'),
}

/** A refusal in the words of Microsoft Entra. Throws RangeError for a number that is not in the list. */
export function entraProblem(
  number: number,
  values: readonly unknown[],
  details: Omit<ProblemDetails, 'number'> & { readonly check: string },
): Problem {
  const found = entraErrors[number]
  if (!found) throw new RangeError(`there is no error ${number}`)
  return new Problem(found.code, found.text(...values.map(speakable)), { ...details, number })
}

const longestShown = 200

/** What a request said, as far as a description may repeat it (RFC 6749 section 5.2). */
function speakable(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.slice(0, longestShown).replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?')
}
