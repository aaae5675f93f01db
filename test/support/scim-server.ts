import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { issueServerCertificate, makeRoot } from '../../src/crypto/server-certificate.ts'

export type ScimType = 'Users' | 'Groups'
export type ScimResource = Record<string, unknown> & {
  readonly id: string
  readonly meta: { readonly resourceType: string; readonly created: string; readonly lastModified: string }
}

/** One request as the server got it, before a fault or a refusal. */
export interface ScimRequest {
  readonly method: string
  /** Below the base address, with query. */
  readonly path: string
  readonly authorization?: string
  readonly headers: Readonly<Record<string, string>>
  /** Common name of the client certificate, where one is asked for. */
  readonly certificate?: string
}

interface FaultTarget {
  /** How many requests it is for; 1 unless told. */
  readonly times?: number
  /** How many requests that it is meant for pass before it. */
  readonly after?: number
  readonly on?: 'write' | 'read' | 'any'
  readonly type?: ScimType
}

/** What goes wrong. Nothing is done but with `loseAnswer`, which does all as asked and then breaks the connection. */
export type ScimFault = FaultTarget &
  (
    | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: number | string }
    | { readonly kind: 'html'; readonly status?: number }
    | { readonly kind: 'drop' | 'silence' | 'loseAnswer' }
    | { readonly kind: 'emptyPage' | 'samePage' | 'repeatedId' }
    | { readonly kind: 'wrongTotal'; readonly total: number }
  )

export interface ScimServerOptions {
  /** PEM of the root that the client's certificate must come from; without it none is asked for. */
  readonly clientRoot?: string
  /** The token that is taken, or true for any. */
  readonly bearer?: string | true
  readonly basic?: { readonly user: string; readonly password: string }
}

/** A SCIM server of others, which a test can fill, read, change and break past SCIM. */
export interface ScimServer {
  /** Without a slash at the end; `/Users` and `/Groups` are below. */
  readonly url: string
  /** PEM of the root to trust. */
  readonly ca: string
  /** Replaces everything by `user000001` and so on, and `group0001` and so on with so many members each. */
  preload(sizes: { users?: number; groups?: number; members?: number }): Promise<void>
  list(type: ScimType): Promise<ScimResource[]>
  /** Creates, or replaces the one of that id; undefined where the userName is another's. */
  put(type: ScimType, resource: Record<string, unknown>, id?: string): Promise<ScimResource | undefined>
  /** False where it was not there. */
  remove(type: ScimType, id: string): Promise<boolean>
  /** Gives one of so many users (the first first) a title, and a new `meta.lastModified`; gives how many. */
  touch(options?: { oneOf?: number; title?: string }): Promise<number>
  /** Faults wait in the order in which they are injected. */
  inject(...faults: ScimFault[]): Promise<void>
  /** Takes back the faults that wait. */
  heal(): Promise<void>
  /** The newest 2000 since the start or since `forget`. */
  requests(): Promise<ScimRequest[]>
  /** Method -> how many requests since the start or since `forget`. */
  counts(): Promise<Record<string, number>>
  forget(): Promise<void>
  /** Moves the clock behind `meta`. */
  advance(milliseconds: number): Promise<void>
  stop(): Promise<void>
}

const program = join(import.meta.dirname, '..', 'interop', 'programs', 'scim-server.mjs')

/** Starts scimmy-routers over TLS in a process of its own; ends with the test, or without one by `stop()`. */
export async function startScimServer(
  t: TestContext | undefined,
  options: ScimServerOptions = {},
): Promise<ScimServer> {
  const now = Date.now()
  const root = makeRoot({ commonName: 'root of the SCIM server', now, random: randomBytes })
  const identity = issueServerCertificate({
    root,
    hosts: ['localhost', '127.0.0.1'],
    now,
    random: randomBytes,
  })
  const key = identity.privateKey.export({ type: 'pkcs8', format: 'pem' })
  const argument = JSON.stringify({ ...options, tls: { cert: identity.pem, key } })
  const child = spawn(process.execPath, [program, argument], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error('the SCIM server has ended')
    return JSON.parse(value)
  }
  const stop = async () => {
    child.stdin.end()
    await ended
  }
  t?.after(stop)
  const { url } = await answer()

  // One command at a time: the answers carry no name.
  let last: Promise<unknown> = Promise.resolve()
  const ask = (command: string, details: object = {}) => {
    const asked = last.then(async () => {
      child.stdin.write(`${command} ${JSON.stringify(details)}\n`)
      const told = await answer()
      if (told.error !== undefined) throw new Error(`${command}: ${told.error}`)
      return told
    })
    last = asked.catch(() => {})
    return asked
  }
  return {
    url,
    ca: root.pem,
    preload: async sizes => void (await ask('preload', sizes)),
    list: async type => (await ask('list', { type })).resources,
    put: async (type, resource, id) => (await ask('put', { type, resource, id })).resource ?? undefined,
    remove: async (type, id) => (await ask('remove', { type, id })).removed,
    touch: async given => (await ask('touch', given)).touched,
    async inject(...faults) {
      for (const fault of faults) await ask('inject', fault)
    },
    heal: async () => void (await ask('heal')),
    requests: async () => (await ask('requests')).requests,
    counts: async () => (await ask('requests')).counts,
    forget: async () => void (await ask('forget')),
    advance: async milliseconds => void (await ask('advance', { milliseconds })),
    stop,
  }
}
