// `openssl s_server` that asks for a client certificate and verifies it: the bare handshake, without Node.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { options, ready } from './serve.mjs'

const directory = mkdtempSync(join(tmpdir(), 'countersign-bench-openssl-'))
const file = (name, text) => {
  writeFileSync(join(directory, name), text, { mode: 0o600 })
  return join(directory, name)
}
const freePort = await new Promise(resolve => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address()
    probe.close(() => resolve(port))
  })
})

// Session tickets as the product has them: none that could be resumed without the server's memory.
const child = spawn(
  'openssl',
  [
    ['s_server', '-quiet', '-accept', `127.0.0.1:${freePort}`, '-alpn', 'http/1.1', '-no_ticket'],
    ['-cert', file('cert.pem', options.tls.cert), '-key', file('key.pem', options.tls.key)],
    [
      '-Verify',
      '3',
      '-verify_return_error',
      '-verify_quiet',
      '-verifyCAfile',
      file('ca.pem', options.mtls.root),
    ],
  ].flat(),
  { stdio: ['pipe', 'ignore', 'inherit'] },
)
process.on('exit', () => {
  child.kill()
  rmSync(directory, { recursive: true, force: true })
})
child.on('exit', () => process.exit(1))

const answers = () =>
  new Promise(resolve => {
    const probe = connect(freePort, '127.0.0.1', () => {
      probe.destroy()
      resolve(true)
    })
    probe.on('error', () => resolve(false))
  })
while (!(await answers())) await pause(20)
ready({ port: freePort, url: `https://localhost:${freePort}` })
