import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { randomBytes, X509Certificate } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { connect, type SecureVersion, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { makeRoot } from '../../../src/crypto/server-certificate.ts'
import { callUrl } from '../../support/server.ts'
import { freePort, readKey, type ServerProcess, startServer, temporaryDirectory } from './support.ts'

const run = promisify(execFile)
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)

describe('the first start', () => {
  let server: ServerProcess
  before(async () => {
    server = await startServer()
  })

  test('makes the data directory for its owner only, and everything secret in it too', () => {
    assert.equal(mode(server.dataDir), '700')
    const open = new Set(['ca.pem', 'server.pem'])
    const files = readdirSync(server.dataDir)
    for (const expected of [
      'admin.json',
      'ca.pem',
      'ca-key.pem',
      'countersign.db',
      'journal.db',
      'master.key',
    ])
      assert.ok(files.includes(expected), expected)
    for (const file of files)
      assert.equal(mode(join(server.dataDir, file)), open.has(file) ? '644' : '600', file)
  })

  test('leaves no temporary file behind', () => {
    assert.deepEqual(
      readdirSync(server.dataDir).filter(file => /tmp|next|unfinished/.test(file)),
      [],
    )
  })

  test('writes the service key of the administrator, which gets a token for the admin API', async () => {
    const key = readKey(join(server.dataDir, 'admin.json'))
    assert.equal(key.tokenurl, `${server.url}/oauth/token`)
    assert.equal(key.url, `${server.url}/admin/v1`)
    const { tenants } = await server.admin<{ tenants: { name: string }[] }>('GET', '/tenants')
    assert.deepEqual(
      tenants.map(tenant => tenant.name),
      ['default'],
    )
  })

  test('writes no secret into its log', () => {
    const { clientsecret } = readKey(join(server.dataDir, 'admin.json'))
    const text = JSON.stringify(server.log())
    assert.ok(!text.includes(clientsecret))
    assert.ok(!text.includes(readFileSync(join(server.dataDir, 'master.key'), 'utf8').trim()))
  })

  test('says where it listens', () => {
    const ready = server.log().find(line => line.message === 'ready')!
    assert.equal(ready.level, 'info')
    assert.match(server.url, /^https:\/\/localhost:\d+$/)
    assert.match(server.pki, /^http:\/\/localhost:\d+$/)
  })

  test('answers health and liveness on both ports', async () => {
    for (const base of [server.url, server.pki])
      for (const path of [
        '/livez',
        '/readyz',
        ...['', '/liveness', '/readiness'].map(group => `/actuator/health${group}`),
      ]) {
        const answer = await callUrl(base + path, server.ca, {})
        const groups = path === '/actuator/health' ? { groups: ['liveness', 'readiness'] } : {}
        assert.deepEqual([answer.status, answer.json()], [200, { status: 'UP', ...groups }], base + path)
      }
  })

  test('serves nothing but health on the PKI port', async () => {
    for (const [method, path] of [
      ['GET', '/admin/v1/tenants'],
      ['GET', '/admin/openapi.json'],
      ['POST', '/oauth/token'],
      ['GET', '/token_keys'],
      ['GET', '/.well-known/openid-configuration'],
      ['GET', '/metrics'],
      ['GET', '/http/orders'],
      ['GET', '/tenants/default/token_keys'],
      ['GET', '/console/'],
    ] as const) {
      const answer = await callUrl(server.pki + path, '', { method })
      assert.equal(answer.status, 404, path)
      assert.equal(answer.json().error, 'not_found', path)
    }
  })

  describe('its TLS', () => {
    test('is verified by ca.pem alone, says openssl', async () => {
      const { status, output } = await handshake(server, [
        '-verify_return_error',
        '-verify_hostname',
        'localhost',
      ])
      assert.equal(status, 0, output)
      assert.match(output, /Verify return code: 0 \(ok\)/)
    })

    test('is refused by who trusts another root', async () => {
      const other = makeRoot({ commonName: 'Countersign server root', now: Date.now(), random: randomBytes })
      const file = join(temporaryDirectory(), 'ca.pem')
      writeFileSync(file, other.pem)
      const { status, output } = await handshake(server, ['-verify_return_error'], file)
      assert.notEqual(status, 0, output)
    })

    test('is verified by curl by name and by both loopback addresses', async () => {
      const port = new URL(server.url).port
      for (const host of ['localhost', '127.0.0.1']) {
        const { stdout } = await curl(server, [`https://${host}:${port}/livez`])
        assert.equal(stdout, '{"status":"UP"}')
      }
      const { stdout } = await curl(server, [
        '--connect-to',
        `[::1]:${port}:127.0.0.1:${port}`,
        `https://[::1]:${port}/livez`,
      ])
      assert.equal(stdout, '{"status":"UP"}')
      await assert.rejects(
        curl(server, [
          '--connect-to',
          `other.test:${port}:127.0.0.1:${port}`,
          `https://other.test:${port}/livez`,
        ]),
        /status|code 60|certificate/i,
      )
    })

    test('speaks HTTP/1.1 and refuses HTTP/2', async () => {
      assert.equal((await tlsTo(server, { ALPNProtocols: ['http/1.1'] })).alpnProtocol, 'http/1.1')
      assert.equal((await tlsTo(server, { ALPNProtocols: ['h2', 'http/1.1'] })).alpnProtocol, 'http/1.1')
      assert.equal((await tlsTo(server, {})).alpnProtocol, false)
      await assert.rejects(
        tlsTo(server, { ALPNProtocols: ['h2'] }),
        /no_application_protocol|alert number 120/i,
      )
      const { stdout } = await curl(server, [
        '--http2',
        '-o',
        '/dev/null',
        '-w',
        '%{http_version}',
        `${server.url}/livez`,
      ])
      assert.equal(stdout, '1.1')
    })

    test('is 1.2 or 1.3, never older', async () => {
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
        assert.equal(
          (await tlsTo(server, { minVersion: version, maxVersion: version })).getProtocol(),
          version,
        )
      for (const version of ['TLSv1', 'TLSv1.1'] as const)
        await assert.rejects(
          tlsTo(server, { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }),
          /protocol version|alert number 70/i,
          version,
        )
    })

    test('asks for no client certificate on the public port', async () => {
      const { output } = await handshake(server, ['-tls1_2'])
      assert.match(output, /No client certificate CA names sent/)
      assert.doesNotMatch(output, /Client Certificate Types|Requested Signature Algorithms/)
    })

    test('shows a certificate of a year that is for servers only', async () => {
      const socket = await tlsTo(server, {})
      const certificate = new X509Certificate(readFileSync(join(server.dataDir, 'server.pem')))
      assert.equal(socket.getPeerX509Certificate()!.fingerprint256, certificate.fingerprint256)
      assert.equal(certificate.ca, false)
      assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1'])
      assert.match(certificate.subjectAltName!, /DNS:localhost.*IP Address:127\.0\.0\.1.*0:0:0:0:0:0:0:1/)
    })
  })
})

test('admin.json is there, whole, as soon as /readyz answers 200', async () => {
  const dataDir = join(temporaryDirectory(), 'data')
  const port = await freePort()
  const starting = startServer({ dataDir, env: { COUNTERSIGN_PKI_PORT: String(port) } })
  let answered = 0
  const seen: string[] = []
  while (answered !== 200) {
    answered = await health(port)
    if (answered === 503) seen.push('503')
  }
  const key = readKey(join(dataDir, 'admin.json'))
  assert.match(key.clientid, /^sb-/)
  assert.ok(key.clientsecret.length >= 43)
  assert.ok(existsSync(join(dataDir, 'ca.pem')))
  const server = await starting
  assert.equal(key.tokenurl, `${server.url}/oauth/token`)
  await server.stop()
})

/** Status of /readyz, 0 while nobody listens. */
function health(port: number): Promise<number> {
  return new Promise(resolve => {
    request({ port, host: '127.0.0.1', path: '/readyz', agent: false }, response => {
      response.resume()
      response.on('end', () => resolve(response.statusCode!))
    })
      .on('error', () => setTimeout(resolve, 5, 0))
      .end()
  })
}

/** What `openssl s_client` says about a connection to the server. */
function handshake(
  { url, dataDir }: ServerProcess,
  args: readonly string[],
  ca = join(dataDir, 'ca.pem'),
): Promise<{ status: number | null; output: string }> {
  const { port } = new URL(url)
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', ca, ...args])
  child.stdin.end()
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  return new Promise(resolve => child.once('close', status => resolve({ status, output })))
}

function curl({ dataDir }: ServerProcess, args: readonly string[]) {
  return run('curl', ['-sS', '--fail-with-body', '--cacert', join(dataDir, 'ca.pem'), ...args])
}

interface TlsOptions {
  readonly ALPNProtocols?: string[]
  readonly minVersion?: SecureVersion
  readonly maxVersion?: SecureVersion
  readonly ciphers?: string
}

/** A connection that has done its handshake, and is closed again. */
function tlsTo({ url, ca }: ServerProcess, options: TlsOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), ca, ...options }, () => {
      resolve(socket)
      socket.end()
    })
    socket.once('error', reject)
  })
}
