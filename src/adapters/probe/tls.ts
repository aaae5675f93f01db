import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { isIP, Socket } from 'node:net'
import { connect as connectTls, getCACertificates, type TLSSocket } from 'node:tls'
import type { Probe, Probed, ProbeFailure, ProbeTarget } from '../../core/connectivity/index.ts'
import { isLinkLocal } from '../../core/network.ts'
import { decodePem } from '../../crypto/pem.ts'
import { readServerHandshake } from './handshake.ts'
import { recordedSocket } from './recorded-socket.ts'

/** For each step; a firewall that drops everything answers never. */
const stepMs = 10_000
/** TLS 1.3 refuses a client certificate only after the client has finished: so long it is given to say so. */
const objectionMs = 700

/** Tries TLS connections with node:tls, and tells what happened in them. */
export function createProbe(): Probe {
  let roots: readonly Buffer[] | undefined
  return {
    publicRoots() {
      roots ??= getCACertificates('default').flatMap(pem => decodePem(pem).map(({ der }) => der))
      return roots
    },
    async probe(target) {
      const seen: { -readonly [Member in keyof Probed]: Probed[Member] } = {
        addresses: [],
        address: undefined,
        tls: undefined,
        failure: undefined,
      }
      try {
        const found = await step('name', resolve(target.host))
        seen.addresses = found.map(({ address }) => address)
        const socket = await step('connection', open(found, target.port))
        try {
          seen.address = socket.remoteAddress
          await handshake(socket, target, seen)
        } finally {
          socket.destroy()
        }
      } catch (error) {
        // Whatever else goes wrong has to do with what was shown by either side.
        seen.failure = (error instanceof StepFailed ? error : failed('tls', error)).failure
      }
      return seen
    },
  }
}

/** Ends a test: the step that did not work is part of the answer. */
class StepFailed extends Error {
  readonly failure: ProbeFailure

  constructor(failure: ProbeFailure) {
    super(failure.message)
    this.failure = failure
  }
}

function failed(name: ProbeFailure['step'], error: unknown): StepFailed {
  const { code, message } = error as NodeJS.ErrnoException
  return new StepFailed({ step: name, code: code ?? 'error', message: message.split('\n')[0]!.slice(0, 300) })
}

async function step<Value>(name: ProbeFailure['step'], work: Promise<Value>): Promise<Value> {
  const timer = Promise.withResolvers<never>()
  const timeout = setTimeout(
    () => timer.reject(Object.assign(new Error('nothing has answered'), { code: 'ETIMEDOUT' })),
    stepMs,
  )
  try {
    return await Promise.race([work, timer.promise])
  } catch (error) {
    throw error instanceof StepFailed ? error : failed(name, error)
  } finally {
    clearTimeout(timeout)
  }
}

/** Link-local addresses are left out, whatever the name server says (design 3.14). */
async function resolve(host: string): Promise<LookupAddress[]> {
  const family = isIP(host)
  if (family !== 0) return [{ address: host, family }]
  const found = (await lookup(host, { all: true })).filter(({ address }) => !isLinkLocal(address))
  if (found.length > 0) return found
  throw Object.assign(new Error(`${host} has link-local addresses only`), { code: 'ELINKLOCAL' })
}

/** The first address that takes the connection. */
async function open(addresses: readonly LookupAddress[], port: number): Promise<Socket> {
  let last: unknown
  for (const { address } of addresses) {
    const socket = new Socket()
    const { promise, resolve, reject } = Promise.withResolvers<Socket>()
    socket.once('error', reject)
    socket.connect(port, address, () => resolve(socket))
    try {
      return await step('connection', promise)
    } catch (error) {
      socket.destroy()
      last = error
    }
  }
  throw last
}

async function handshake(
  raw: Socket,
  { host, identity }: ProbeTarget,
  seen: { tls: Probed['tls'] },
): Promise<void> {
  const { stream, received } = recordedSocket(raw)
  const keyLog: string[] = []
  const socket = connectTls({
    socket: stream,
    // Whoever it is: what was shown is judged afterwards.
    rejectUnauthorized: false,
    ...(isIP(host) === 0 && { servername: host }),
    ...identity,
  })
  // What is said after the end of a step is of no interest, and must end nothing else.
  for (const each of [stream, socket]) each.on('error', () => {})
  socket.on('keylog', (line: Buffer) => keyLog.push(line.toString('latin1')))
  const tell = () => {
    const { certificates, certificateRequest } = readServerHandshake(received(), keyLog)
    if (certificates.length === 0) return
    const protocol = socket.getProtocol() ?? 'unknown'
    seen.tls = { protocol, cipher: socket.getCipher()?.name ?? 'unknown', certificates, certificateRequest }
  }
  try {
    await step('tls', secured(socket))
    tell()
    if (seen.tls?.certificateRequest) await objection(socket)
  } catch (error) {
    tell()
    const { failure } = error as StepFailed
    const isAboutCertificate = seen.tls?.certificateRequest !== undefined && failure.step === 'tls'
    throw isAboutCertificate ? new StepFailed({ ...failure, step: 'client certificate' }) : error
  } finally {
    socket.destroy()
  }
}

function secured(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve)
    socket.once('error', reject)
    socket.once('close', () =>
      reject(
        Object.assign(new Error('the server ended the connection in the handshake'), { code: 'ECONNRESET' }),
      ),
    )
  })
}

/** Resolves when the server has had its time; fails if it ends the connection over what it was shown. */
async function objection(socket: TLSSocket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, objectionMs)
  socket.once('error', reject)
  // Some servers say nothing, and go.
  const gone = () =>
    reject(Object.assign(new Error('the server ended the connection'), { code: 'ECONNRESET' }))
  for (const event of ['end', 'close']) socket.once(event, gone)
  socket.resume()
  try {
    await promise
  } catch (error) {
    throw failed('client certificate', error)
  } finally {
    clearTimeout(timer)
  }
}
