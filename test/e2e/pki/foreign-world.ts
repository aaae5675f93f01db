import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buildCrl, type CrlInput } from '../../../src/crypto/crl/index.ts'
import { certIdMatches, readOcspRequest } from '../../../src/crypto/ocsp/index.ts'
import { parsed } from '../../support/chains.ts'
import { type Ca, pemOf, pkcs8, type Sender } from '../../support/senders.ts'
import { hexOf, workshop } from './world.ts'

/** What an address answers; to be called as often as it is asked. */
export type Publication = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

/** Where authorities that others run publish what they have revoked; counts who asks. */
export async function startPublisher() {
  const places = new Map<string, Publication>()
  const asked = new Map<string, number>()
  const server = createServer((request, response) => {
    const path = request.url!
    asked.set(path, (asked.get(path) ?? 0) + 1)
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      const publication = places.get(path)
      if (publication) publication(request, response, Buffer.concat(chunks))
      else response.writeHead(404).end()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  let count = 0
  return {
    /** A new address with this behind it. */
    place(publication: Publication): string {
      const path = `/place-${++count}`
      places.set(path, publication)
      return `http://127.0.0.1:${port}${path}`
    },
    /** Puts something else there. */
    replace: (url: string, publication: Publication): void =>
      void places.set(new URL(url).pathname, publication),
    asked: (url: string): number => asked.get(new URL(url).pathname) ?? 0,
    total: (): number => [...asked.values()].reduce((sum, one) => sum + one, 0),
    /** Breaks off whatever is under way. */
    hangUp: () => server.closeAllConnections(),
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

export type Publisher = Awaited<ReturnType<typeof startPublisher>>

export const bytes =
  (content: string | Buffer): Publication =>
  (_, response) =>
    response.end(content)

/** Neither answers nor hangs up. */
export const silence: Publication = () => {}

const hour = 3_600_000
let number = 0

/** A list of an authority that revokes these, made now and good for two hours unless it is told otherwise. */
export function listBy(
  ca: Ca,
  revoked: readonly Pick<Sender, 'der'>[] = [],
  more: Partial<CrlInput> = {},
): Buffer {
  const made = more.thisUpdate ?? Date.now() - 60_000
  return buildCrl({
    issuer: ca.subject,
    issuerKey: ca.pair.privateKey,
    number: ++number,
    thisUpdate: made,
    nextUpdate: made + 2 * hour,
    revoked: parsed(revoked.map(({ der }) => der)).map(certificate => ({
      serial: Buffer.from(hexOf(certificate).padStart(24, '0'), 'hex'),
      revokedAt: Date.now() - 60_000,
      reason: 'keyCompromise' as const,
    })),
    ...more,
  })
}

interface Known {
  readonly ca: Ca
  readonly good: readonly Pick<Sender, 'der'>[]
  readonly revoked?: readonly Pick<Sender, 'der'>[]
}

/** `openssl ocsp`, answering for these authorities, each with its own key. */
export const opensslResponder =
  (known: () => readonly Known[], days = 1): Publication =>
  (_, response, body) => {
    void answerBy(known(), days, body).then(der => response.end(der))
  }

async function answerBy(known: readonly Known[], days: number, request: Buffer): Promise<Buffer> {
  const shop = workshop()
  try {
    const [certId] = readOcspRequest(request).certIds
    const { ca, good, revoked = [] } = known.find(one => certIdMatches(certId!, parsed([one.ca.der])[0]!))!
    const utc = (ms: number) => `${new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14)}Z`
    const row = (state: string, at: string, { der }: Pick<Sender, 'der'>) => {
      const serial = hexOf(parsed([der])[0]!).toUpperCase()
      const even = serial.length % 2 === 0 ? serial : `0${serial}`
      return `${state}\t${utc(Date.now() + 90 * 24 * hour)}\t${at}\t${even}\tunknown\t/CN=${serial}\n`
    }
    const at = `${utc(Date.now() - 60_000)},keyCompromise`
    const rows = [...good.map(one => row('V', '', one)), ...revoked.map(one => row('R', at, one))]
    shop.write('index', rows.join(''))
    shop.write('ca.pem', pemOf(ca.der))
    shop.write('ca.key', pkcs8(ca.pair))
    shop.write('request', request)
    await shop.openssl(
      ...['ocsp', '-index', 'index', '-CA', 'ca.pem', '-rsigner', 'ca.pem', '-rkey', 'ca.key'],
      ...['-reqin', 'request', '-respout', 'response', '-ndays', String(days)],
    )
    return shop.read('response')
  } finally {
    shop.close()
  }
}
