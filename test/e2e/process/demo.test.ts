import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import {
  eventually,
  freePort,
  project,
  readKey,
  type ServerProcess,
  startServer,
  temporaryDirectory,
} from './support.ts'

test('npm start runs the demonstration', () => {
  const { scripts } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
  assert.deepEqual(
    [scripts.prestart, scripts.start],
    ['node scripts/setup.mjs', 'bin/countersign serve --demo'],
  )
})

/** As pasted into a terminal in the project's folder. */
function paste(line: string): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const { PATH, HOME } = process.env
  const child = spawn('bash', ['-c', line], { cwd: project, env: { PATH, HOME } })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise(resolve => child.once('close', status => resolve({ status, stdout, stderr })))
}

describe('the printed command lines', () => {
  // A path that a shell would take apart if it were printed as it is.
  const dataDir = join(temporaryDirectory(), "it's my $data")
  let env: Record<string, string>
  let server: ServerProcess
  let lines: readonly [string, string, string]

  async function start(): Promise<void> {
    server = await startServer({ dataDir, env, args: ['--demo'] })
    lines = await eventually(async () => printed(server), 5000, 'three lines')
  }
  before(async () => {
    env = {
      COUNTERSIGN_PORT: String(await freePort()),
      COUNTERSIGN_MTLS_PORT: String(await freePort()),
    }
    await start()
  })

  test('are three, each on a line of its own, and hold no secret', () => {
    assert.match(lines[0], /^curl .*--fail-with-body/)
    assert.match(lines[1], /^TOKEN=.*--fail-with-body/)
    assert.match(lines[2], /^curl .*--fail-with-body .*--cert /)
    for (const secret of [readKey(join(dataDir, 'admin.json')), readKey(join(dataDir, 'demo', 'key.json'))])
      assert.ok(!lines.join().includes(secret.clientsecret))
    assert.ok(!lines.join().includes('PRIVATE KEY'))
  })

  test('read what is secret from files for their owner only', () => {
    const demo = join(dataDir, 'demo')
    assert.equal(statSync(demo).mode & 0o777, 0o700)
    for (const file of readdirSync(demo)) assert.equal(statSync(join(demo, file)).mode & 0o777, 0o600, file)
  })

  const work = async () => {
    const [token, call, certificateCall] = [
      await paste(lines[0]),
      await paste(lines[1]),
      await paste(lines[2]),
    ]
    assert.equal(token.status, 0, token.stderr)
    assert.equal(JSON.parse(token.stdout).token_type.toLowerCase(), 'bearer')
    for (const { status, stdout, stderr } of [call, certificateCall]) {
      assert.equal(status, 0, stderr)
      assert.ok(JSON.parse(stdout).received > 0)
      assert.match(JSON.parse(stdout).from, /^sb-/)
    }
  }
  test('work', work)

  test('work again after a restart, word for word', async () => {
    const before = lines
    assert.equal((await server.stop()).status, 0)
    await start()
    assert.deepEqual(lines, before)
    await work()
  })

  const certificate = () =>
    new X509Certificate(readFileSync(join(dataDir, 'demo', 'client.pem'))).fingerprint256

  test('use the certificate of the first start for as long as it is good', async () => {
    const first = certificate()
    await server.stop()
    await start()
    assert.equal(certificate(), first)
  })

  test('fail when the request is refused', async () => {
    await server.admin('DELETE', '/instances/demo-sender/keys/demo')
    await server.admin('DELETE', '/instances/demo-sender/keys/demo-certificate')
    for (const line of lines) assert.notEqual((await paste(line)).status, 0, line)
  })

  test('work again after a further restart, which makes the keys anew', async () => {
    await server.stop()
    await start()
    await work()
  })

  test('work again when somebody has broken a file of the demonstration', async () => {
    const broken = certificate()
    await server.stop()
    writeFileSync(join(dataDir, 'demo', 'certificate-key.json'), '{')
    await start()
    await work()
    assert.notEqual(certificate(), broken)
  })

  test('fail when the server is down', async () => {
    await server.stop()
    for (const line of lines) {
      const { status, stderr } = await paste(line)
      assert.notEqual(status, 0, line)
      assert.notEqual(stderr, '', line)
    }
  })
})

function printed(server: ServerProcess): readonly [string, string, string] | undefined {
  const found = server
    .output()
    .split('\n')
    .filter(line => /^(curl |TOKEN=|bin\/countersign )/.test(line))
  return found.length === 3 ? (found as unknown as readonly [string, string, string]) : undefined
}
