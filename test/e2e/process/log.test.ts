import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { callUrl } from '../../support/server.ts'
import { eventually, launch, type ServerProcess, startServer, temporaryDirectory } from './support.ts'

/** In the body, where a client id may hold anything. */
const refusedClient = (server: ServerProcess, clientid: string) =>
  server.call('/oauth/token', {
    method: 'POST',
    body: { grant_type: 'client_credentials', client_id: clientid, client_secret: 'hidden' },
  })

test('the log is JSON lines: level, time in UTC, message and fields, no secret', async () => {
  const server = await startServer({ env: { COUNTERSIGN_PROT: '1' } })
  const answer = await refusedClient(server, 'nobody\nERROR  forged')
  await server.logged(line => line.correlationId === answer.headers['x-correlation-id'])
  const { stdout } = await server.stop()
  const lines = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, string>)
  for (const { level, time, message } of lines) {
    assert.match(level!, /^(info|warn)$/)
    assert.match(time!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assert.ok(message)
  }
  assert.deepEqual(
    lines.filter(line => line.level === 'warn').map(line => line.message),
    ['COUNTERSIGN_PROT is not a setting; did you mean COUNTERSIGN_PORT?'],
  )
  assert.equal(lines.find(line => line.message === 'request refused')!.clientId, 'nobody\nERROR  forged')
  assert.ok(!stdout.includes('hidden'))
})

test('in format text a line is the level, two spaces and the message', async () => {
  const server = await startServer({ env: { COUNTERSIGN_LOG_FORMAT: 'text' } })
  await refusedClient(server, 'nobody')
  const { stdout } = await server.stop()
  for (const line of stdout.trim().split('\n')) assert.match(line, /^(INFO|WARN|ERROR) {2}\S/)
  assert.match(stdout, /^INFO {2}ready url=https:\/\/localhost:\d+ /m)
  assert.match(stdout, /^INFO {2}request refused .*status=401/m)
})

test('in format text nobody outside can add a line', async () => {
  const server = await startServer({ env: { COUNTERSIGN_LOG_FORMAT: 'text' } })
  await refusedClient(server, 'nobody\nERROR  forged')
  const { stdout } = await server.stop()
  assert.match(stdout, /forged/)
  assert.doesNotMatch(stdout, /^ERROR/m)
})

test('a level leaves out what is below it, and the configuration file may set it', async () => {
  const file = join(temporaryDirectory(), 'countersign.yaml')
  writeFileSync(file, 'logLevel: warn\nlog-format: json\n')
  const server = await startServer({
    args: ['--config', file],
    env: { COUNTERSIGN_LOG_LEVEL: 'info', COUNTERSIGN_DATA_DIRS: 'x' },
  })
  assert.ok(
    server.log().some(line => line.level === 'info'),
    'the environment wins',
  )
  const { dataDir, url } = server
  await server.stop()
  const quiet = startQuiet({ dataDir, file, port: new URL(url).port })
  await quiet.answers()
  const { status, stdout, stderr } = await quiet.stop()
  assert.deepEqual([status, stdout, stderr], [0, '', ''])
})

/** At this level it does not say that it is ready: /readyz does. */
function startQuiet({ dataDir, file, port }: { dataDir: string; file: string; port: string }) {
  const { child, ended } = launch({ dataDir, args: ['--config', file], env: { COUNTERSIGN_PORT: port } })
  const ca = readFileSync(join(dataDir, 'ca.pem'), 'utf8')
  return {
    answers: () =>
      eventually(
        async () => {
          const answer = await callUrl(`https://localhost:${port}/readyz`, ca, {}).catch(() => undefined)
          return answer?.status === 200
        },
        20_000,
        'ready',
      ),
    stop() {
      child.kill('SIGTERM')
      return ended
    },
  }
}
