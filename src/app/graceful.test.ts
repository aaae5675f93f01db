import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { followConnections } from './graceful.ts'

/** Connections to a Unix socket have no address that would tell them apart. */
test('on a Unix socket, too, what was accepted is answered, and what has not arrived is cut off before', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-graceful-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'socket')
  const waiting = new Map<string, ServerResponse>()
  let arrived = () => {}
  const server = createServer((request, response) => {
    request.resume()
    waiting.set(request.url!, response)
    if (waiting.size === 2) arrived()
  })
  const close = followConnections(server, { turnAway: false })
  await new Promise<void>(resolve => server.listen(path, resolve))

  const open = (text: string) => {
    let answer = ''
    const socket = connect(path, () => socket.write(text))
    socket.setEncoding('utf8').on('data', part => {
      answer += part
    })
    return new Promise<string>(resolve => socket.on('error', () => {}).once('close', () => resolve(answer)))
  }
  const accepting = new Promise<void>(resolve => {
    arrived = resolve
  })
  const accepted = open('GET /accepted HTTP/1.1\r\nHost: a\r\n\r\n')
  const half = open('POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx')
  const silent = open('')
  await accepting

  const begun = performance.now()
  const closed = close(20_000)
  assert.deepEqual(await Promise.all([half, silent]), ['', ''])
  assert.ok(performance.now() - begun < 5000)
  waiting.get('/accepted')!.end('done')
  assert.match(await accepted, /^HTTP\/1\.1 200 OK[\s\S]*done/)
  await closed
})
