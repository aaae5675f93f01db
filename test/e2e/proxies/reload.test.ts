import assert from 'node:assert/strict'
import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { Agent, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect } from 'node:tls'
import { issueServerCertificate, makeRoot } from '../../../src/crypto/server-certificate.ts'
import { newRoot } from '../../support/senders.ts'
import { eventually, freePort, startServer, temporaryDirectory } from '../process/support.ts'

const root = makeRoot({ commonName: 'Operator root', now: Date.now(), random: randomBytes })
const [a, b, c] = [newRoot('Proxies A'), newRoot('Proxies B'), newRoot('Proxies C')]
const ofA = a.issue({ cn: 'load balancer' }).credential
const ofB = b.issue({ cn: 'load balancer' }).credential

type Credential = { readonly cert: string; readonly key: string }

const waiting: ServerResponse[] = []
/** Answers messages to /slow when the test says so. */
const receiver = createServer((message, response) => {
  message
    .resume()
    .once('end', () => (message.url === '/slow' ? waiting.push(response) : response.end('taken')))
})
after(() => receiver.close().closeAllConnections())

/** Puts a file in place as certificate tools do it; the names are those of `files`. */
function fileIn(directory: string) {
  return (name: string, text: string): string => {
    const path = join(directory, name)
    writeFileSync(`${path}.new`, text)
    renameSync(`${path}.new`, path)
    return path
  }
}

/** A new server certificate: the two files, and how a new connection shows that it is in use. */
function newIdentity(put: (name: string, text: string) => string) {
  const hosts = ['localhost', '127.0.0.1']
  const issued = issueServerCertificate({ root, hosts, now: Date.now(), days: 30, random: randomBytes })
  const cert = put('cert.pem', issued.pem)
  const key = put('key.pem', issued.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string)
  return { cert, key, fingerprint: fingerprint(new X509Certificate(issued.pem).raw) }
}

const fingerprint = (der: Buffer) => createHash('sha256').update(der).digest('hex')

/** A server with the operator's own certificate, and proxies of A and B. */
async function start(workers: string) {
  if (!receiver.listening) await new Promise<void>(resolve => receiver.listen(0, '127.0.0.1', resolve))
  const first = await startServer()
  const target = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
  for (const id of ['quick', 'slow'])
    await first.admin('POST', '/flows', {
      id,
      name: id,
      sender: { adapter: 'HTTPS', address: `/${id}` },
      receiver: { adapter: 'HTTP', url: `${target}/${id}` },
    })
  await first.admin('POST', '/instances', { name: 'senders' })
  const { certificate, key } = await first.admin<{ certificate: string; key: string }>(
    'POST',
    '/instances/senders/keys',
    { name: 'key', parameters: { 'key-type': 'certificate', 'key-length': 256 } },
  )
  await first.stop()

  const put = fileIn(temporaryDirectory())
  const identity = newIdentity(put)
  const proxyPort = await freePort()
  const server = await startServer({
    dataDir: first.dataDir,
    env: {
      COUNTERSIGN_TLS_CERT_FILE: identity.cert,
      COUNTERSIGN_TLS_KEY_FILE: identity.key,
      COUNTERSIGN_PROXY_LISTEN: `127.0.0.1:${proxyPort}`,
      COUNTERSIGN_PROXY_CA_FILE: put('proxies.pem', a.pem + b.pem),
      COUNTERSIGN_PROXY_HEADER: 'x-ssl-client-cert',
      COUNTERSIGN_WORKERS: workers,
    },
  })
  const [leaf] = certificate.split(/(?<=-----END CERTIFICATE-----\n)/)
  return {
    server,
    put,
    proxyPort,
    sender: { cert: certificate, key },
    header: { 'x-ssl-client-cert': encodeURIComponent(leaf!) },
  }
}

type World = Awaited<ReturnType<typeof start>>

interface Asking {
  readonly path?: string
  readonly headers?: Record<string, string>
  readonly credential?: Credential
  /** Default: a connection of its own. */
  readonly agent?: Agent
}

/** A message; resolves to the status of the answer. */
function ask(
  port: number,
  { path = '/http/quick', headers = {}, credential, agent }: Asking,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        ...{ host: 'localhost', port, path, method: 'POST', ca: root.pem, headers },
        ...{ ...credential, agent: agent ?? false },
      },
      response => {
        response.resume().once('end', () => resolve(response.statusCode!))
      },
    )
    sent.once('error', reject).end()
  })
}

/** Which server certificate a new connection gets. */
function shown(port: number, credential: Credential): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: 'localhost', port, ca: root.pem, ...credential }, () => {
      const { raw } = socket.getPeerX509Certificate()!
      socket.destroy()
      resolve(fingerprint(raw))
    })
    socket.once('error', reject)
  })
}

/** Messages on new connections, one after the other, while something happens; every one must be answered with 200. */
async function underLoad(messages: readonly (() => Promise<number>)[], happens: () => Promise<unknown>) {
  let going = true
  let answered = 0
  const load = Promise.all(
    messages.map(async send => {
      for (; going; answered++) assert.equal(await send(), 200)
    }),
  )
  try {
    await Promise.race([happens(), load])
  } finally {
    going = false
  }
  await load
  assert.ok(answered > 20, `${answered} answers`)
}

/** Asks until it is so twenty times running: in every process, that is. */
function everywhere(isSo: () => Promise<boolean>, what: string): Promise<unknown> {
  let inARow = 0
  return eventually(
    async () => {
      inARow = (await isSo()) ? inARow + 1 : 0
      return inARow >= 20
    },
    20_000,
    what,
  )
}

const getsIn = ({ proxyPort, header }: World, credential: Credential): Promise<boolean> =>
  ask(proxyPort, { headers: header, credential }).then(
    status => status === 200,
    () => false,
  )

for (const workers of ['1', '2'])
  describe(`under load, workers: ${workers}`, () => {
    let world: World
    before(async () => {
      world = await start(workers)
    })
    after(() => world?.server.stop())

    test('the server certificate changes on the ports for senders and for load balancers, and nobody is refused', async () => {
      const mtlsPort = Number(new URL(world.server.mtls).port)
      const messages = [
        () => ask(world.proxyPort, { headers: world.header, credential: ofA }),
        () => ask(mtlsPort, { credential: world.sender }),
      ]
      await underLoad(messages, async () => {
        for (let i = 0; i < 2; i++) {
          const next = newIdentity(world.put)
          await everywhere(
            async () =>
              (await shown(mtlsPort, world.sender)) === next.fingerprint &&
              (await shown(world.proxyPort, ofA)) === next.fingerprint,
            'the new certificate on both',
          )
        }
      })
    })

    test('the authority of load balancers changes: those of the new one are never refused, those of the old one from then on', async () => {
      const { put, proxyPort, header, server } = world
      const kept = new Agent({ keepAlive: true, maxSockets: 1, ca: root.pem, ...ofA })
      const busy = new Agent({ keepAlive: true, maxSockets: 1, ca: root.pem, ...ofA })
      const keptOfB = new Agent({ keepAlive: true, maxSockets: 1, ca: root.pem, ...ofB })
      const load = [() => ask(proxyPort, { headers: header, credential: ofB })]
      try {
        await underLoad(load, async () => {
          for (const agent of [kept, busy, keptOfB])
            assert.equal(await ask(proxyPort, { headers: header, agent }), 200)
          const underWay = ask(proxyPort, { headers: header, agent: busy, path: '/http/slow' })
          await eventually(async () => waiting.length === 1, 10_000, 'under way')

          put('proxies.pem', 'junk')
          await server.logged(
            ({ level, message }) =>
              level === 'error' && /authority of the proxies cannot be read; the old one stays/.test(message),
          )
          assert.ok(await getsIn(world, ofA))

          put('proxies.pem', b.pem)
          await everywhere(async () => !(await getsIn(world, ofA)), 'A is out')
          // Its idle connection has ended; what was under way is answered, and no other request after it.
          await assert.rejects(ask(proxyPort, { headers: header, agent: kept }))
          waiting.pop()!.end('done')
          assert.equal(await underWay, 200)
          await assert.rejects(ask(proxyPort, { headers: header, agent: busy }))
          assert.equal(await ask(proxyPort, { headers: header, agent: keptOfB }), 200)

          put('proxies.pem', c.pem + b.pem)
          await everywhere(() => getsIn(world, c.issue({ cn: 'load balancer' }).credential), 'C is in')
        })
      } finally {
        for (const agent of [kept, busy, keptOfB]) agent.destroy()
      }
    })
  })
