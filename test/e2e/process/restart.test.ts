import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { basic } from '../../support/server.ts'
import {
  freePort,
  readKey,
  type ServerProcess,
  type ServiceKey,
  startServer,
  temporaryDirectory,
} from './support.ts'

const tokenStatus = async (server: ServerProcess, key: ServiceKey) => {
  const headers = { Authorization: basic(key) }
  const body = { grant_type: 'client_credentials' }
  return (await server.call('/oauth/token', { method: 'POST', headers, body })).status
}

describe('after a restart', () => {
  const dataDir = join(temporaryDirectory(), 'data')
  const adminFile = join(dataDir, 'admin.json')
  let fixedPorts: Record<string, string>
  let first: ServerProcess
  before(async () => {
    fixedPorts = {
      COUNTERSIGN_PORT: String(await freePort()),
      COUNTERSIGN_MTLS_PORT: String(await freePort()),
      COUNTERSIGN_PKI_PORT: String(await freePort()),
    }
    first = await startServer({ dataDir, env: fixedPorts })
  })

  test('on the same address, tokens of both formats that were issued before are still good', async () => {
    const key = await first.key('before', 'key')
    const { url, ca } = first
    const tokens = [
      await first.token(key, { token_format: 'jwt' }),
      await first.token(key, { token_format: 'opaque' }),
    ]
    const secret = readKey(adminFile)
    await first.stop()

    const second = await startServer({ dataDir, env: fixedPorts })
    assert.deepEqual([second.url, second.ca], [url, ca])
    assert.deepEqual(readKey(adminFile), secret)
    for (const token of tokens) {
      const headers = { Authorization: basic(key) }
      const answer = await second.call('/oauth/introspect', { method: 'POST', headers, body: { token } })
      assert.equal(answer.json().active, true)
    }
    assert.equal(await tokenStatus(second, key), 200)
    await second.stop()
  })

  test('on another port, the addresses in admin.json are the new ones, its secret is the old one', async () => {
    const old = readKey(adminFile)
    const server = await startServer({ dataDir })
    const renewed = readKey(adminFile)
    assert.notEqual(renewed.tokenurl, old.tokenurl)
    assert.deepEqual(renewed, {
      ...old,
      tokenurl: `${server.url}/oauth/token`,
      url: `${server.url}/admin/v1`,
    })
    assert.equal(await tokenStatus(server, renewed), 200)
    await server.stop()
  })

  test('with admin.json removed, it is made anew, and the old secret is dead', async () => {
    const old = readKey(adminFile)
    rmSync(adminFile)
    const server = await startServer({ dataDir })
    const fresh = readKey(adminFile)
    assert.notEqual(fresh.clientid, old.clientid)
    assert.equal(await tokenStatus(server, fresh), 200)
    assert.equal(await tokenStatus(server, old), 401)
    assert.match(JSON.stringify(server.log()), /administrator key was missing and was made anew/)
    await server.stop()
  })

  test('with an admin.json that is broken, it is left alone, with a warning', async () => {
    const good = readFileSync(adminFile, 'utf8')
    const text = '{"clientid": "sb-'
    writeFileSync(adminFile, text)
    const server = await startServer({ dataDir })
    assert.equal(readFileSync(adminFile, 'utf8'), text)
    const warning = server.log().find(line => line.level === 'warn')!
    assert.match(warning.message, /key that does not exist/)
    assert.equal(warning.file, adminFile)
    assert.equal(await tokenStatus(server, JSON.parse(good)), 200)
    await server.stop()
    writeFileSync(adminFile, good)
  })

  test('with the administrator key replaced, the new file is kept, and a missing one stays missing', async () => {
    const server = await startServer({ dataDir })
    const old = readKey(adminFile)
    const replaced = await server.key('countersign-admin', 'second')
    writeFileSync(adminFile, JSON.stringify(replaced))
    await server.admin('DELETE', '/instances/countersign-admin/keys/admin')
    await server.stop()

    const again = await startServer({ dataDir })
    const kept = readKey(adminFile)
    assert.equal(kept.clientsecret, replaced.clientsecret)
    assert.equal(kept.tokenurl, `${again.url}/oauth/token`)
    assert.equal(await tokenStatus(again, kept), 200)
    assert.equal(await tokenStatus(again, old), 401)
    await again.stop()

    rmSync(adminFile)
    const without = await startServer({ dataDir })
    assert.throws(() => readKey(adminFile), /ENOENT/)
    assert.match(JSON.stringify(without.log()), /replaced or removed; its file is left alone/)
    assert.equal(await tokenStatus(without, kept), 200)
    await without.stop()
  })
})
