import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request as overPlain } from 'node:http'
import { request as overTls } from 'node:https'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { newRoot } from '../../support/senders.ts'
import {
  eventually,
  freePort,
  type ServerProcess,
  startRefused,
  startServer,
  temporaryDirectory,
} from '../process/support.ts'

const proxies = newRoot('Load balancers')
const ours = proxies.issue({ cn: 'load balancer' }).credential

/** Where a load balancer connects to, and what it shows. */
type Place = { socketPath: string } | { port: number; ca: string; cert?: string; key?: string }

/** The status that a caller behind the load balancer gets for a token request. */
function ask(place: Place, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const send = 'port' in place ? overTls : overPlain
    const sent = send(
      {
        ...place,
        ...('port' in place && { host: 'localhost' }),
        method: 'POST',
        path: '/oauth/token?grant_type=client_credentials',
        headers,
        agent: false,
      },
      response => {
        response.resume().once('end', () => resolve(response.statusCode!))
      },
    )
    sent.once('error', reject).end()
  })
}

/** The header for a new sender with an issued certificate. */
async function newSender(server: ServerProcess, instance: string): Promise<Record<string, string>> {
  await server.admin('POST', '/instances', { name: instance })
  const { certificate } = await server.admin<{ certificate: string }>('POST', `/instances/${instance}/keys`, {
    name: 'key',
    parameters: { 'key-type': 'certificate', 'key-length': 256 },
  })
  const [leaf] = certificate.split(/(?<=-----END CERTIFICATE-----\n)/)
  return { 'X-SSL-Client-Cert': encodeURIComponent(leaf!) }
}

const onSocket = (path: string, more = {}) => ({
  COUNTERSIGN_PROXY_LISTEN: `unix:${path}`,
  COUNTERSIGN_PROXY_HEADER: 'X-SSL-Client-Cert',
  ...more,
})

for (const workers of ['1', '2'])
  test(`a socket is for its owner and its group, and neither a kill nor an end leaves it in the way, workers: ${workers}`, async () => {
    const path = join(temporaryDirectory(), 'proxy.sock')
    const place = { socketPath: path }
    const env = onSocket(path, { COUNTERSIGN_WORKERS: workers })
    const first = await startServer({ env })
    assert.equal((statSync(path).mode & 0o777).toString(8), '660')
    const sender = await newSender(first, 'over-a-socket')
    for (let i = 0; i < 10; i++) assert.equal(await ask(place, sender), 200)
    assert.equal(await ask(place, {}), 401)
    await first.kill()
    assert.ok(statSync(path).isSocket())

    const second = await startServer({ dataDir: first.dataDir, env })
    assert.equal((statSync(path).mode & 0o777).toString(8), '660')
    assert.equal(await ask(place, sender), 200)
    // Idle connections and half requests do not hold up the end.
    const open = ['', 'POST /oauth/token HTTP/1.1\r\nHost: loc'].map(text => {
      const socket = connect({ path })
      socket.on('error', () => {}).write(text)
      return new Promise(resolve => socket.once('close', resolve))
    })
    assert.equal(await ask(place, {}), 401)
    const begun = Date.now()
    const { status, stderr } = await second.stop()
    await Promise.all(open)
    assert.deepEqual([status, stderr], [0, ''])
    assert.ok(Date.now() - begun < 4000, `${Date.now() - begun} ms`)
    assert.ok(!existsSync(path))
  })

test('a socket stays in use while workers are replaced', async () => {
  const path = join(temporaryDirectory(), 'proxy.sock')
  const server = await startServer({ env: onSocket(path, { COUNTERSIGN_WORKERS: '2' }) })
  const sender = await newSender(server, 'replaced')
  const children = () =>
    readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8').trim().split(' ').map(Number)
  for (const victim of children()) {
    process.kill(victim, 'SIGKILL')
    await server.logged(({ message, pid }) => /a worker died/.test(message) && pid === victim)
    await eventually(async () => children().length === 2, 10_000, 'replaced')
    await eventually(
      async () => (await ask({ socketPath: path }, sender).catch(() => 0)) === 200,
      10_000,
      'answered',
    )
  }
  assert.equal((statSync(path).mode & 0o777).toString(8), '660')
  await server.stop()
})

for (const workers of ['1', '2'])
  test(`a port lets a load balancer in by its certificate alone, workers: ${workers}`, async () => {
    const caFile = join(temporaryDirectory(), 'proxies.pem')
    writeFileSync(caFile, proxies.pem)
    const port = await freePort()
    const server = await startServer({
      env: {
        COUNTERSIGN_PROXY_LISTEN: `127.0.0.1:${port}`,
        COUNTERSIGN_PROXY_CA_FILE: caFile,
        COUNTERSIGN_PROXY_HEADER: 'X-SSL-Client-Cert',
        COUNTERSIGN_WORKERS: workers,
      },
    })
    const { ca } = server
    const sender = await newSender(server, 'over-tls')
    const document = await server.admin<{ certificate: string; key: string }>(
      'POST',
      '/instances/over-tls/keys',
      { name: 'second', parameters: { 'key-type': 'certificate', 'key-length': 256 } },
    )
    assert.equal(await ask({ port, ca, ...ours }, sender), 200)
    assert.equal(await ask({ port, ca, ...ours }, {}), 401)
    const refused = /certificate required|ECONNRESET|socket hang up|EPIPE|disconnected/
    await assert.rejects(ask({ port, ca }, sender), refused)
    const strangers = newRoot('Load balancers').issue({ cn: 'load balancer' }).credential
    await assert.rejects(ask({ port, ca, ...strangers }, sender), refused)
    // A sender's own certificate, of the authority for senders.
    await assert.rejects(ask({ port, ca, cert: document.certificate, key: document.key }, sender), refused)
    await server.logged(({ level, message }) => level === 'warn' && message.startsWith('a proxy was refused'))
    await assert.rejects(
      ask({ port, ca, ...ours, ...{ secureProtocol: 'TLSv1_1_method' } } as Place, sender),
      /protocol|version|alert|EPROTO/i,
    )
    await server.stop()
  })

describe('a proxy listener that cannot be stops the start and says why', { concurrency: 2 }, () => {
  const directory = temporaryDirectory()
  const file = (name: string, text: string) => {
    const path = join(directory, name)
    writeFileSync(path, text)
    return path
  }
  const onPort = (more: Record<string, string>) => ({
    COUNTERSIGN_PROXY_LISTEN: '127.0.0.1:1',
    COUNTERSIGN_PROXY_HEADER: 'client-cert',
    ...more,
  })
  const mine = file('mine', 'not a socket')
  const long = join(directory, 'x'.repeat(120))
  const cases: [what: string, env: Record<string, string>, reason: RegExp][] = [
    ['a file in its place', onSocket(mine), /mine is there and is no socket/],
    ['a directory that is not there', onSocket('/nowhere/at/all'), /there is no directory \/nowhere\/at/],
    ['a path that is too long', onSocket(long), /COUNTERSIGN_PROXY_LISTEN to a shorter path/],
    [
      'an authority that is not there',
      onPort({ COUNTERSIGN_PROXY_CA_FILE: '/nowhere.pem' }),
      /COUNTERSIGN_PROXY_CA_FILE: \/nowhere\.pem/,
    ],
    [
      'an authority that is none',
      onPort({ COUNTERSIGN_PROXY_CA_FILE: mine }),
      /COUNTERSIGN_PROXY_CA_FILE: .*mine: no PEM block/,
    ],
    [
      'a key instead of an authority',
      onPort({ COUNTERSIGN_PROXY_CA_FILE: file('key.pem', ours.key) }),
      /COUNTERSIGN_PROXY_CA_FILE: .*PRIVATE KEY/,
    ],
  ]
  for (const [what, env, reason] of cases)
    test(what, async () => {
      const { status, stderr } = await startRefused({ env })
      assert.equal(status, 1)
      assert.match(stderr, reason)
      assert.equal(stderr.trim().split('\n').length, 1, stderr)
    })

  test('a socket that somebody listens on, and it stays theirs', async () => {
    const path = join(directory, 'taken')
    const theirs = createServer()
    await new Promise<void>(resolve => theirs.listen(path, resolve))
    const { stderr } = await startRefused({ env: onSocket(path) })
    assert.match(stderr, /taken is taken: end what listens there, or set COUNTERSIGN_PROXY_LISTEN/)
    assert.ok(statSync(path).isSocket())
    await new Promise(resolve => theirs.close(resolve))
    assert.equal(readFileSync(mine, 'utf8'), 'not a socket')
  })
})
