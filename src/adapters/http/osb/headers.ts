import type { IncomingHttpHeaders } from 'node:http'
import { redact } from '../../../core/explain/index.ts'
import { Problem } from '../../../core/problem.ts'

/** The major version whose minor ones add only (section API Version Header). */
const supported = '2.17'
const major = 2

/** undefined: this version can be served. */
export function refusedVersion(headers: IncomingHttpHeaders): Problem | undefined {
  const given = headers['x-broker-api-version']
  const version = typeof given === 'string' ? /^(\d{1,4})\.(\d{1,4})$/.exec(given) : undefined
  if (version && Number(version[1]) === major) return undefined
  return new Problem(
    'precondition_failed',
    given === undefined
      ? `the header X-Broker-API-Version is missing: send ${supported}`
      : `this version of the API is not served: send X-Broker-API-Version: ${supported}`,
    { check: 'api version' },
  )
}

/** For whom the platform acts, decoded: for the log, proven by nobody but the platform. */
export interface OriginatingIdentity {
  readonly platform: string
  readonly value: Readonly<Record<string, unknown>>
}

const form = /^([\x21-\x7e]{1,64}) +([A-Za-z0-9+/_-]+={0,2})$/
const mostIdentity = 8192

/** Reads `X-Broker-API-Originating-Identity: platform base64(JSON object)`; undefined: not sent. */
export function originatingIdentity(headers: IncomingHttpHeaders): OriginatingIdentity | Problem | undefined {
  const given = headers['x-broker-api-originating-identity']
  if (given === undefined) return undefined
  const refuse = (reason: string) =>
    new Problem('invalid_request', `X-Broker-API-Originating-Identity: ${reason}`, { check: 'request' })
  if (typeof given !== 'string' || given.length > mostIdentity) return refuse('it is too long')
  const [, platform, encoded] = form.exec(given) ?? []
  if (platform === undefined || encoded === undefined)
    return refuse('it must be a platform and base64, with a space between')
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(encoded, 'base64')))
  } catch {
    return refuse('its value is not base64 of JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse('its value is not a JSON object')
  return { platform, value: shown(value as Record<string, unknown>) }
}

const mostMembers = 20
const mostCharacters = 500

/** As much of it as a line of the log holds: texts as they are, all else as JSON. */
function shown(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const members = Object.entries(value).slice(0, mostMembers)
  return Object.fromEntries(
    members.map(([name, one]) => {
      const text = typeof one === 'string' ? one : JSON.stringify(one)
      return [name.slice(0, 100), redact(text).slice(0, mostCharacters)]
    }),
  )
}

/** `X-Broker-API-Request-Identity`, which the answer repeats and the log has; undefined: none, or none fit for that. */
export function requestIdentity(headers: IncomingHttpHeaders): string | undefined {
  const given = headers['x-broker-api-request-identity']
  return typeof given === 'string' && /^[\x21-\x7e]{1,128}$/.test(given) ? given : undefined
}
