import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import {
  type Ended,
  freePort,
  occupyPort,
  type ServerProcess,
  type StartOptions,
  startRefused,
  startServer,
  temporaryDirectory,
} from './support.ts'

/** Exit 1, one line on stderr that says why, and no stack. */
function assertRefused({ status, stderr }: Ended, reason: RegExp): void {
  assert.equal(status, 1, stderr)
  assert.match(stderr, reason)
  assert.equal(stderr.trim().split('\n').length, 1, stderr)
  assert.doesNotMatch(stderr, /^\s+at /m)
}

describe('beside a running server', () => {
  let running: ServerProcess
  before(async () => {
    running = await startServer()
  })

  test('a second one on the same data directory is refused, and the first goes on', async () => {
    const file = join(running.dataDir, 'admin.json')
    const before = readFileSync(file, 'utf8')
    assertRefused(
      await startRefused({ dataDir: running.dataDir }),
      new RegExp(`another Countersign server is using the data directory ${running.dataDir}`),
    )
    assert.equal(readFileSync(file, 'utf8'), before)
    await running.key('after', 'refusal')
  })

  test('a second one with workers on the same data directory is refused too', async () => {
    assertRefused(
      await startRefused({ dataDir: running.dataDir, env: { COUNTERSIGN_WORKERS: '2' } }),
      /another Countersign server is using the data directory/,
    )
  })

  for (const workers of ['1', '2'])
    for (const [variable, port] of [
      ['COUNTERSIGN_PORT', () => new URL(running.url).port],
      ['COUNTERSIGN_MTLS_PORT', () => new URL(running.mtls).port],
      ['COUNTERSIGN_PKI_PORT', () => new URL(running.pki).port],
    ] as const)
      test(`one whose ${variable} is taken is refused (workers: ${workers})`, async () => {
        const ended = await startRefused({ env: { [variable]: port(), COUNTERSIGN_WORKERS: workers } })
        assert.equal(ended.status, 1)
        assert.match(ended.stderr, new RegExp(`port ${port()} of 127.0.0.1 is taken: .*set ${variable}`))
        assert.doesNotMatch(ended.stderr, /^\s+at /m)
      })
})

test('a data directory that is a file is refused', async () => {
  const file = join(temporaryDirectory(), 'file')
  writeFileSync(file, 'mine')
  assertRefused(await startRefused({ dataDir: file }), new RegExp(`${file}`))
  assert.equal(readFileSync(file, 'utf8'), 'mine')
})

test('a data directory that others can write to is refused, and its mode is left as it was', async () => {
  const dataDir = join(temporaryDirectory(), 'shared')
  mkdirSync(dataDir)
  chmodSync(dataDir, 0o777)
  assertRefused(await startRefused({ dataDir }), new RegExp(`others can write to ${dataDir}: .*chmod 700`))
  assert.deepEqual([readdirSync(dataDir), statSync(dataDir).mode & 0o777], [[], 0o777])
})

describe('the master key', () => {
  const dataDir = join(temporaryDirectory(), 'data')
  const file = join(dataDir, 'master.key')
  before(async () => {
    await (await startServer({ dataDir })).stop()
  })
  const wrong = /the master key does not open the keys of this store/

  test('of another store stops the start, and nothing is changed', async () => {
    const right = readFileSync(file, 'utf8')
    const store = readFileSync(join(dataDir, 'countersign.db'))
    writeFileSync(file, `${randomBytes(32).toString('base64url')}\n`)
    assertRefused(await startRefused({ dataDir }), wrong)
    assert.deepEqual(readFileSync(join(dataDir, 'countersign.db')), store)
    writeFileSync(file, right)
    await (await startServer({ dataDir })).stop()
  })

  test('of another store in the environment, or in a file of its own, stops the start', async () => {
    const env = { COUNTERSIGN_MASTER_KEY: randomBytes(32).toString('base64') }
    assertRefused(await startRefused({ dataDir, env }), wrong)
    const elsewhere = join(temporaryDirectory(), 'key')
    writeFileSync(elsewhere, randomBytes(32).toString('hex'))
    assertRefused(await startRefused({ dataDir, env: { COUNTERSIGN_MASTER_KEY_FILE: elsewhere } }), wrong)
  })

  test('that is missing stops the start where there is something that only it opens', async () => {
    renameSync(file, `${file}.away`)
    assertRefused(await startRefused({ dataDir }), /master\.key is missing: without it nothing .* opens/)
    assert.ok(!existsSync(file))
    renameSync(`${file}.away`, file)
  })

  test('that is no key stops the start', async () => {
    const right = readFileSync(file, 'utf8')
    for (const text of ['', 'short', right.trim().slice(1)]) {
      writeFileSync(file, text)
      assertRefused(await startRefused({ dataDir }), /master\.key must hold 32 bytes in base64 or hex/)
    }
    writeFileSync(file, right)
  })

  test('moved into the environment opens the store as well', async () => {
    const env = { COUNTERSIGN_MASTER_KEY: readFileSync(file, 'utf8').trim() }
    rmSync(file)
    await (await startServer({ dataDir, env })).stop()
    assert.ok(!existsSync(file))
  })
})

describe('a setting that cannot be', () => {
  const cases: [what: string, options: StartOptions, reason: RegExp][] = [
    [
      'a port that is no number',
      { env: { COUNTERSIGN_PORT: 'https' } },
      /^error: COUNTERSIGN_PORT must be a port number, not https$/m,
    ],
    [
      'a host of another machine',
      { env: { COUNTERSIGN_HOST: '203.0.113.1' } },
      /203\.0\.113\.1.*COUNTERSIGN_HOST/,
    ],
    [
      'a configuration file that is not there',
      { args: ['--config', '/nowhere.yaml'] },
      /cannot read \/nowhere\.yaml/,
    ],
    [
      'a demonstration for the network',
      { args: ['--demo'], env: { COUNTERSIGN_HOST: '0.0.0.0' } },
      /--demo listens on loopback only: COUNTERSIGN_HOST is 0\.0\.0\.0/,
    ],
    [
      'a demonstration on PostgreSQL',
      {
        args: ['--demo'],
        env: { COUNTERSIGN_DATABASE_URL: 'postgres://x', COUNTERSIGN_MASTER_KEY: 'A'.repeat(43) },
      },
      /--demo runs on the embedded store only: unset COUNTERSIGN_DATABASE_URL/,
    ],
  ]
  for (const [what, options, reason] of cases)
    test(`stops the start: ${what}`, async () => {
      const dataDir = join(temporaryDirectory(), 'data')
      assertRefused(await startRefused({ dataDir, ...options }), reason)
      assert.ok(!existsSync(join(dataDir, 'admin.json')))
    })

  test('stops the start: a database that cannot be reached', async () => {
    const port = await freePort()
    const env = {
      COUNTERSIGN_DATABASE_URL: `postgres://user:hidden@127.0.0.1:${port}/db`,
      COUNTERSIGN_MASTER_KEY: randomBytes(32).toString('base64'),
    }
    const ended = await startRefused({ env })
    assertRefused(ended, /ECONNREFUSED/)
    assert.doesNotMatch(ended.stderr + ended.stdout, /hidden/)
  })
})

describe('a certificate of the operator', () => {
  const directory = temporaryDirectory()
  const write = (name: string, text: string) => {
    const path = join(directory, name)
    writeFileSync(path, text)
    return path
  }
  test('that is missing, is none, or has another key stops the start and is named', async () => {
    const donor = await startServer()
    const cert = readFileSync(join(donor.dataDir, 'server.pem'), 'utf8')
    const key = readFileSync(join(donor.dataDir, 'server-key.pem'), 'utf8')
    const otherKey = readFileSync(join(donor.dataDir, 'ca-key.pem'), 'utf8')
    await donor.stop()
    const good = { cert: write('cert.pem', cert), key: write('key.pem', key) }
    const cases: [cert: string, key: string, reason: RegExp][] = [
      [join(directory, 'absent.pem'), good.key, /absent\.pem/],
      [write('junk.pem', 'junk'), good.key, /COUNTERSIGN_TLS_CERT_FILE/],
      [good.cert, write('junk-key.pem', 'junk'), /COUNTERSIGN_TLS_KEY_FILE/],
      [good.cert, write('other-key.pem', otherKey), /COUNTERSIGN_TLS_KEY_FILE/],
    ]
    for (const [certFile, keyFile, reason] of cases)
      assertRefused(
        await startRefused({
          env: { COUNTERSIGN_TLS_CERT_FILE: certFile, COUNTERSIGN_TLS_KEY_FILE: keyFile },
        }),
        reason,
      )
  })
})

test('a port of the system that is free for another moment is taken into use', async () => {
  const { server, port } = await occupyPort()
  const refused = await startRefused({ env: { COUNTERSIGN_PORT: String(port) } })
  assertRefused(refused, /is taken/)
  await new Promise(resolve => server.close(resolve))
  const started = await startServer({ env: { COUNTERSIGN_PORT: String(port) } })
  assert.equal(started.url, `https://localhost:${port}`)
  await started.stop()
})
