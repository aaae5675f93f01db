import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startTestServer, type TestServer } from '../../test/support/server.ts'
import { revokeCertificate } from '../core/broker/index.ts'
import { ensureSender } from './demo-sender.ts'

const day = 86_400_000
const directory = mkdtempSync(join(tmpdir(), 'countersign-demo-'))
let world: TestServer

before(async () => {
  world = await startTestServer()
})
after(async () => {
  await world.close()
  rmSync(directory, { recursive: true, force: true })
})

/** What a start of the demonstration does; the certificate that it leaves. */
async function start(): Promise<X509Certificate> {
  await ensureSender(world.server.services, world.tenant, directory)
  return new X509Certificate(readFileSync(join(directory, 'client.pem')))
}

test('the certificate of the demonstration stays until 30 days before its end, and is then made anew', async () => {
  const first = await start()
  assert.equal((await start()).fingerprint256, first.fingerprint256)
  world.advance(334 * day)
  assert.equal((await start()).fingerprint256, first.fingerprint256)
  world.advance(2 * day)
  const second = await start()
  assert.notEqual(second.fingerprint256, first.fingerprint256)
  assert.ok(second.validToDate.getTime() > world.now() + 364 * day)
})

test('a revoked certificate is made anew', async () => {
  const { serialNumber, fingerprint256 } = await start()
  await revokeCertificate(world.tenant, serialNumber, 'keyCompromise', world.server.services)
  assert.notEqual((await start()).fingerprint256, fingerprint256)
})
