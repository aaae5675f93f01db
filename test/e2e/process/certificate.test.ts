import assert from 'node:assert/strict'
import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { connect } from 'node:tls'
import { issueServerCertificate, makeRoot } from '../../../src/crypto/server-certificate.ts'
import { callUrl } from '../../support/server.ts'
import { eventually, launch, type ServerProcess, startServer, temporaryDirectory } from './support.ts'

const root = makeRoot({ commonName: 'Operator root', now: Date.now(), random: randomBytes })

/** A certificate of the operator's own, put in place as certificate tools do it: one file after the other. */
function install(directory: string): { files: Record<string, string>; fingerprint: string } {
  const issued = issueServerCertificate({
    root,
    hosts: ['localhost', '127.0.0.1'],
    now: Date.now(),
    days: 30,
    random: randomBytes,
  })
  const put = (name: string, text: string) => {
    const path = join(directory, name)
    writeFileSync(`${path}.new`, text)
    renameSync(`${path}.new`, path)
    return path
  }
  const cert = put('cert.pem', issued.pem)
  const key = put('key.pem', issued.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string)
  const fingerprint = createHash('sha256').update(new X509Certificate(issued.pem).raw).digest('hex')
  return { files: { COUNTERSIGN_TLS_CERT_FILE: cert, COUNTERSIGN_TLS_KEY_FILE: key }, fingerprint }
}

/** Which certificate a new connection gets. */
function shown(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(url)
    const socket = connect({ host: 'localhost', port: Number(port), rejectUnauthorized: false }, () => {
      const { raw } = socket.getPeerX509Certificate()!
      socket.end()
      resolve(createHash('sha256').update(raw).digest('hex'))
    })
    socket.once('error', reject)
  })
}

for (const workers of ['1', '2'])
  test(`a replaced certificate is shown to new connections, none is refused meanwhile, workers: ${workers}`, async () => {
    const directory = temporaryDirectory()
    const first = install(directory)
    const server = await startServer({ env: { ...first.files, COUNTERSIGN_WORKERS: workers } })
    assert.equal(await shown(server.url), first.fingerprint)

    let asking = true
    let answered = 0
    const load = (async () => {
      for (; asking; answered++) {
        const answer = await callUrl(`${server.url}/token_keys`, root.pem, {})
        assert.equal(answer.status, 200)
      }
    })()
    const second = install(directory)
    let inARow = 0
    await eventually(
      async () => {
        inARow = (await shown(server.url)) === second.fingerprint ? inARow + 1 : 0
        return inARow >= 20
      },
      10_000,
      'the new certificate in every process',
    )
    asking = false
    await load
    assert.ok(answered > 10)
    await server.stop()
  })

test('a replaced certificate that cannot be used is not, and the log says so', async () => {
  const directory = temporaryDirectory()
  const { files, fingerprint } = install(directory)
  const server = await startServer({ env: files })
  writeFileSync(files.COUNTERSIGN_TLS_KEY_FILE!, 'junk')
  await server.logged(line => line.level === 'error' && /the old one stays/.test(line.message))
  assert.equal(await shown(server.url), fingerprint)
  await server.stop()
})

describe('the issued certificate', () => {
  const names = (dataDir: string) =>
    new X509Certificate(readFileSync(join(dataDir, 'server.pem'))).subjectAltName!
  const file = (server: ServerProcess, name: string) => readFileSync(join(server.dataDir, name), 'utf8')

  test('stays over a restart and is issued anew, by the same root, when its hosts change', async () => {
    const first = await startServer()
    const { dataDir, ca } = first
    const before = file(first, 'server.pem')
    await first.stop()
    const second = await startServer({ dataDir })
    assert.equal(file(second, 'server.pem'), before)
    await second.stop()

    const env = { COUNTERSIGN_PUBLIC_URL: 'https://id.example' }
    const { child, ended, logged } = launch({ dataDir, env })
    await logged(line => line.message === 'ready')
    assert.match(names(dataDir), /DNS:id\.example/)
    assert.match(names(dataDir), /DNS:localhost/)
    assert.equal(readFileSync(join(dataDir, 'ca.pem'), 'utf8'), ca)
    const renewed = new X509Certificate(readFileSync(join(dataDir, 'server.pem')))
    assert.ok(renewed.verify(new X509Certificate(ca).publicKey))
    child.kill('SIGTERM')
    assert.equal((await ended).status, 0)
  })

  test('is issued anew when it does not fit its key or its root, as after a start that was killed', async () => {
    const first = await startServer()
    const { dataDir } = first
    await first.stop()
    writeFileSync(join(dataDir, 'server-key.pem'), file(first, 'ca-key.pem'))
    const second = await startServer({ dataDir })
    assert.equal((await second.call('/livez')).status, 200)
    assert.equal(second.ca, first.ca)
    await second.stop()
    rmSync(join(dataDir, 'ca.pem'))
    const third = await startServer({ dataDir })
    assert.notEqual(third.ca, first.ca)
    assert.equal((await third.call('/livez')).status, 200)
    await third.stop()
  })
})
