import { text } from 'node:stream/consumers'
import type { ServiceKey } from '../../../client/index.ts'
import { Refused, WrongUsage } from './errors.ts'
import { exchange, readAddress } from './exchange.ts'
import { asSender, tokenClient } from './sender.ts'
import type { Trust } from './trust.ts'

/** The admin API of one tenant. Paths are made by `path`. A refusal is thrown as Refused. */
export interface AdminApi {
  get<Answer>(path: string): Promise<Answer>
  post<Answer>(path: string, body: object): Promise<Answer>
  put<Answer>(path: string, body: object): Promise<Answer>
  patch<Answer>(path: string, body: object): Promise<Answer>
  delete(path: string): Promise<void>
}

export interface AdminAccess {
  readonly key: ServiceKey
  /** Where the key was read from, for messages. */
  readonly file: string
  /** `--url`: base of the server; undefined: the one that the key names. */
  readonly url: string | undefined
  /** `--tenant`; undefined: the one that the key names. */
  readonly tenant: string | undefined
  readonly trust: Trust
}

const timeoutMs = 60_000

export function openAdminApi(access: AdminAccess): AdminApi {
  const { key, trust, tenant, file } = access
  const base = adminBase(access)
  let authorization: Promise<string> | undefined

  /** One token serves all calls of this process. */
  async function fetchToken(): Promise<string> {
    const client = tokenClient(key, trust)
    try {
      return await asSender(key, () => client.authorizationHeader())
    } catch (error) {
      throw error instanceof Refused && error.correlationId !== undefined
        ? new Refused(error.message, {
            correlationId: error.correlationId,
            hint: `${file} may have been replaced: give the current one with --credentials FILE.`,
          })
        : error
    } finally {
      client.close()
    }
  }

  async function call(method: string, path: string, body?: object): Promise<unknown> {
    const used = authorization
    authorization ??= fetchToken()
    let response = await send(method, path, body, await authorization)
    if (response.statusCode === 401 && used) {
      // Whoever waits for something that takes long outlives a token.
      response.resume()
      authorization = fetchToken()
      response = await send(method, path, body, await authorization)
    }
    const status = response.statusCode ?? 0
    const answer = parse(await text(response))
    if (status >= 200 && status < 300) return answer
    throw refusal(status, answer, header(response.headers['x-correlation-id']))
  }

  function send(method: string, path: string, body: object | undefined, token: string) {
    const content = body && JSON.stringify(body)
    return exchange({
      url: new URL(base + path),
      method,
      headers: {
        accept: 'application/json',
        authorization: token,
        ...(content && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(content),
        }),
      },
      body: content,
      trust,
      timeoutMs,
    })
  }

  function refusal(status: number, answer: unknown, correlationId: string | undefined): Refused {
    if (!isRefusal(answer)) return new Refused(`${base} answered ${status}: is it a Countersign server?`)
    const { error, error_description: description = error, hint } = answer
    const noTenant = status === 404 && tenant !== undefined && description === 'there is no such address'
    return new Refused(noTenant ? `there is no tenant ${tenant}` : description, {
      hint: noTenant ? 'See `countersign tenant list`.' : hint,
      correlationId: answer.correlation_id ?? correlationId,
    })
  }

  return {
    get: async <Answer>(path: string) => (await call('GET', path)) as Answer,
    post: async <Answer>(path: string, body: object) => (await call('POST', path, body)) as Answer,
    put: async <Answer>(path: string, body: object) => (await call('PUT', path, body)) as Answer,
    patch: async <Answer>(path: string, body: object) => (await call('PATCH', path, body)) as Answer,
    delete: async path => void (await call('DELETE', path)),
  }
}

/** A path of the admin API: names in it are encoded. Throws WrongUsage for names that would be another path. */
export function path(parts: TemplateStringsArray, ...names: readonly string[]): string {
  const unfit = names.find(name => name === '' || name === '.' || name === '..')
  if (unfit !== undefined) throw new WrongUsage(`${JSON.stringify(unfit)} is not a name`)
  return String.raw({ raw: parts }, ...names.map(encodeURIComponent))
}

/** The address of the admin API: that of the key, with another server or tenant where one was given. */
export function adminBase({ key, file, url, tenant }: Omit<AdminAccess, 'trust'>): string {
  const own = /^(.*?)(\/tenants\/[^/]+)?\/admin\/v1\/?$/.exec(key.url ?? '')
  if (!own)
    throw new WrongUsage(`${file} is not a key of the admin API: use a key of an instance of plan api`)
  const server = url ?? own[1]!
  const { origin, pathname } = readAddress(server)
  const above = pathname.replace(/\/+$/, '').replace(/\/admin\/v1$/, '')
  const place = tenant === undefined ? (own[2] ?? '') : tenant === 'default' ? '' : path`/tenants/${tenant}`
  return `${origin}${above}${place}/admin/v1`
}

interface AdminRefusal {
  readonly error: string
  readonly error_description?: string
  readonly hint?: string
  readonly correlation_id?: string
}

function isRefusal(answer: unknown): answer is AdminRefusal {
  return typeof (answer as Partial<AdminRefusal> | undefined)?.error === 'string'
}

function parse(body: string): unknown {
  try {
    return body === '' ? undefined : JSON.parse(body)
  } catch {
    return undefined
  }
}

function header(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
