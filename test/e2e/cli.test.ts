// Runs what is in dist: `npm test` builds before; for this file alone run `npm run setup` first.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { type Receiver, startReceiver } from '../support/receiver.ts'

const program = join(import.meta.dirname, '../../bin/countersign')
const folder = mkdtempSync(join(tmpdir(), 'countersign-cli-'))
const dataDir = join(folder, 'data')
const inFolder = (name: string) => join(folder, name)
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)

const env = {
  PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
  LANG: 'C.UTF-8',
  COUNTERSIGN_DATA_DIR: dataDir,
  COUNTERSIGN_PORT: '0',
  COUNTERSIGN_MTLS_PORT: '0',
  COUNTERSIGN_PKI_PORT: '0',
}

interface Transcript {
  readonly status: number | null
  readonly out: string
  readonly err: string
  /** stdout as the one JSON document that it must be. */
  json<Document = Record<string, unknown>>(): Document
}

/** Runs one command line as a shell would. */
async function run(args: readonly string[], input = '', more: NodeJS.ProcessEnv = {}): Promise<Transcript> {
  const child = spawn(program, args, { cwd: folder, env: { ...env, ...more } })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const ended = new Promise<number | null>(resolve => child.on('close', resolve))
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { status: await ended, out, err, json: <Document>() => JSON.parse(out) as Document }
}

/** A command line without quotes; it must succeed, and say nothing on stderr. */
async function done(line: string, input = ''): Promise<Transcript> {
  const transcript = await run(line.split(' '), input)
  assert.equal(transcript.err, '', line)
  assert.equal(transcript.status, 0, line)
  return transcript
}

/** The same, with `--json`. */
async function json<Document>(line: string): Promise<Document> {
  return (await done(`${line} --json`)).json<Document>()
}

/** A command line that must be refused with these words, and print nothing. */
async function refused(line: string, words: RegExp, status = 1, input = ''): Promise<Transcript> {
  const transcript = await run(line.split(' '), input)
  assert.match(transcript.err, words, line)
  assert.equal(transcript.status, status, line)
  assert.equal(transcript.out, '', line)
  return transcript
}

let server: ChildProcess
let receiver: Receiver
let url: string

async function startServer(): Promise<string> {
  server = spawn(program, ['serve'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
  let heard = ''
  for await (const chunk of server.stdout!) {
    heard += chunk
    const line = heard.split('\n').find(each => each.includes('"message":"ready"'))
    if (line?.endsWith('}')) {
      server.stdout!.resume()
      return (JSON.parse(line) as { url: string }).url
    }
  }
  throw new Error(`the server did not start: ${heard}`)
}

function stopServer(): Promise<number | null> {
  const ended = new Promise<number | null>(resolve => server.on('exit', resolve))
  server.kill('SIGTERM')
  return ended
}

before(async () => {
  receiver = await startReceiver()
  url = await startServer()
})

after(async () => {
  if (server.exitCode === null) await stopServer()
  await receiver.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('from a role to a guarded call', () => {
  test('a role, an instance and a key, each with the next step', async () => {
    const role = await run(['role', 'create', 'Orders.send', '--description', 'Send orders'])
    assert.equal(
      role.out,
      'Role Orders.send created.\nNext: countersign instance create NAME --role Orders.send\n',
    )
    const instance = await done('instance create shop --role Orders.send')
    assert.match(instance.out, /^Instance shop of plan integration-flow created, with role Orders\.send\.\n/)
    assert.match(instance.out, /Next: countersign key create shop NAME --out DIR\n$/)
    const key = await done('key create shop first --out keys/shop')
    assert.equal(
      key.out,
      'Key first of instance shop created: keys/shop/key.json\nNext: countersign token --key keys/shop/key.json\n',
    )
  })

  test('the key is readable by its owner only, and never written over', async () => {
    const file = inFolder('keys/shop/key.json')
    assert.equal(mode(file), '600')
    assert.equal(mode(dirname(file)), '700')
    const { clientid, clientsecret, tokenurl, url: base } = JSON.parse(readFileSync(file, 'utf8'))
    assert.match(clientid, /^sb-.+!b\d+\|it-rt-default!b\d+$/)
    assert.match(clientsecret, /^csec_/)
    assert.deepEqual([tokenurl, base], [`${url}/oauth/token`, url])
    await refused('key create shop second --out keys/shop', /key\.json exists already/)
    assert.equal((await json<unknown[]>('key list shop')).length, 1)
  })

  test('a flow from YAML, with its endpoint and warnings', async () => {
    writeFileSync(
      inFolder('orders.yaml'),
      `id: orders\nname: Orders intake\nsender: { adapter: HTTPS, address: /orders, authorization: { userRole: Orders.send } }\nreceiver: { adapter: HTTP, url: "${receiver.origin}/in" }\n`,
    )
    const deployed = await done('flow deploy orders.yaml')
    assert.equal(deployed.out, `Flow orders takes messages at ${url}/http/orders\n`)

    const other = {
      id: 'other',
      sender: { adapter: 'HTTPS', address: '/other', authorization: { userRole: 'ESBmessaging.send' } },
      receiver: { adapter: 'HTTP', url: receiver.origin },
    }
    const warned = await run(['flow', 'deploy', '-', '--json'], JSON.stringify(other))
    assert.equal(warned.status, 0)
    assert.match(warned.err, /^warning: .*ESBmessaging\.send is read as ESBMessaging\.send/)
    assert.equal(warned.json().endpoint, `${url}/http/other`)
    const flows = await json<{ id: string }[]>('flow list')
    assert.deepEqual(
      flows.map(flow => flow.id),
      ['orders', 'other'],
    )
  })

  test('a flow that asks for a role that nobody made is refused with the nearest one', async () => {
    const flow = (role: string) =>
      `id: x\nsender: { adapter: HTTPS, address: /x, authorization: { userRole: ${role} } }\nreceiver: { adapter: HTTP, url: "http://127.0.0.1:1" }\n`
    await refused('flow deploy -', /no role Orders\.sent; did you mean Orders\.send/, 1, flow('Orders.sent'))
    await refused('flow deploy -', /neither YAML nor JSON/, 2, 'a: [')
    await refused('flow deploy -', /must hold a mapping/, 2, '')
  })

  test('token prints the token alone, or the whole answer', async () => {
    const { out } = await done('token --key keys/shop/key.json')
    assert.match(out, /^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    const answer = await json<{ access_token: string; scope: string; expires_in: number }>(
      'token --key keys/shop/key.json --format opaque --scope Orders.send',
    )
    assert.equal(answer.access_token.split('.').length, 1)
    assert.equal(answer.scope, 'Orders.send')
    assert.equal(answer.expires_in, 3600)
    const fromStdin = await done('token --key -', readFileSync(inFolder('keys/shop/key.json'), 'utf8'))
    assert.match(fromStdin.out, /^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  })

  test('call sends a file with a token, by Basic, or with a method and headers of its own', async () => {
    writeFileSync(inFolder('order.json'), '{"order":1}')
    const line = `call --key keys/shop/key.json ${url}/http/orders`
    const sent = await run([...line.split(' '), '--data', 'order.json', '--header', 'SOAPAction: ship'])
    assert.deepEqual([sent.status, sent.out, sent.err], [0, 'taken', 'HTTP/1.1 200 OK\n'])
    assert.equal(receiver.last().method, 'POST')
    assert.equal(receiver.last().headers['content-type'], 'application/json')
    assert.equal(receiver.last().body.toString(), '{"order":1}')

    const basic = await run(
      [...line.split(' '), '--with', 'basic', '--method', 'put', '--data', '-'],
      'bytes',
    )
    assert.deepEqual([basic.status, basic.out], [0, 'taken'])
    assert.equal(receiver.last().method, 'PUT')
    assert.equal(receiver.last().body.toString(), 'bytes')

    const answer = await json<{ status: number; headers: Record<string, string>; body: string }>(line)
    assert.deepEqual([answer.status, answer.body], [200, 'taken'])
    assert.match(answer.headers['x-correlation-id'] ?? '', /^[0-9a-f-]{36}$/)
    assert.equal(receiver.last().method, 'GET')
  })

  test('the message log says who sent what', async () => {
    const { clientid } = JSON.parse(readFileSync(inFolder('keys/shop/key.json'), 'utf8'))
    const table = await done('flow logs orders --limit 2')
    const lines = table.out.trimEnd().split('\n')
    assert.equal(lines.length, 3)
    assert.match(lines[0]!, /^WHEN +FLOW +STATUS +HTTP +MS +SENDER +CORRELATION ID +ERROR$/)
    assert.match(lines[1]!, / orders +COMPLETED +200 /)
    assert.ok(lines[1]!.includes(clientid))
    assert.deepEqual(await json('flow logs other'), [])
  })
})

describe('a refused call', () => {
  test('exits 1 with the answer on stdout and the way to its explanation on stderr', async () => {
    await done('instance create stranger')
    await done('key create stranger only --out keys/stranger')
    const call = await run(['call', '--key', 'keys/stranger/key.json', `${url}/http/orders`])
    assert.equal(call.status, 1)
    assert.equal(JSON.parse(call.out).error, 'insufficient_scope')
    assert.match(
      call.err,
      /^HTTP\/1\.1 403 Forbidden\nerror: .* refused with 403\nhint: Why: countersign explain /,
    )
    const [, line] = /hint: Why: countersign (.+)/.exec(call.err) ?? []

    const explained = await done(line!)
    assert.match(explained.out, /^Refused +403 insufficient_scope$/m)
    assert.match(explained.out, /^Request +GET \/http\/orders$/m)
    assert.match(explained.out, /^Client +sb-/m)
    assert.match(explained.out, /^ {2}✓ token signature$/m)
    assert.match(explained.out, /^ {2}✗ role$/m)
    assert.match(explained.out, /^Reason +asks for Orders\.send; instance stranger has ESBMessaging\.send$/m)
    assert.match(explained.out, /^Hint +Add the role: countersign instance update stranger /m)

    const record = await json<{ id: string; code: string; status: number }>(line!)
    assert.ok(line!.endsWith(record.id))
    assert.deepEqual([record.code, record.status], ['insufficient_scope', 403])
    assert.match((await run(line!.split(' '), '', { LANG: 'C' })).out, /^ {2}x role$/m)
  })

  test('with --json it is one document as well, and still exit 1', async () => {
    const call = await run(['--json', 'call', '--key', 'keys/stranger/key.json', `${url}/http/orders`])
    assert.equal(call.status, 1)
    assert.equal(call.json().status, 403)
  })

  test('a token can be tried without a call', async () => {
    const { out: token } = await done('token --key keys/stranger/key.json')
    writeFileSync(inFolder('token.txt'), token)
    const refusedThere = await run(['explain', '--token-file', 'token.txt', '--endpoint', '/http/orders'])
    assert.equal(refusedThere.status, 1)
    assert.match(refusedThere.out, /^ {2}✗ role$/m)
    const good = await run(
      ['explain', '--token-file', '-', '--endpoint', `${url}/http/other`, '--json'],
      token,
    )
    assert.deepEqual([good.status, good.json().accepted], [0, true])
    const broken = await run(['explain', '--token-file', '-'], `${token.slice(0, -8)}AAAA`)
    assert.equal(broken.status, 1)
    assert.match(broken.out, /^ {2}✗ token signature$/m)
  })

  test('what explain is given must be one thing', async () => {
    await refused('explain', /correlation id, --token-file FILE or --certificate FILE/, 2)
    await refused(
      'explain abc --token-file token.txt',
      /correlation id, --token-file FILE or --certificate FILE/,
      2,
    )
    await refused('explain abc --endpoint /http/x', /--endpoint goes with --token-file/, 2)
    await refused('explain 00000000-0000-4000-8000-000000000000', /no decision record/)
  })

  test('no token: the reason, and where it is explained', async () => {
    const { err } = await refused('token --key keys/shop/key.json --scope Nobody.has', /invalid_scope/)
    const [, line] = /hint: Why: countersign (.+)/.exec(err) ?? []
    assert.match((await done(line!)).out, /invalid_scope/)
  })

  test('a credential travels by https only, and is nobody’s argument', async () => {
    await refused('call --key keys/shop/key.json http://example.com/x', /plain http/, 2)
    const own = await run(['call', '--key', 'keys/shop/key.json', '--header', 'Authorization: x', `${url}/x`])
    assert.equal(own.status, 2)
    assert.match(own.err, /made of --key/)
    await refused('token', /required option '--key <FILE>' not specified/, 2)
    await refused('token --key orders.yaml', /orders\.yaml is not JSON/, 2)
  })

  test('what another receiver answers is passed on as it is', async () => {
    receiver.answer((request, response) => {
      request.resume()
      response.writeHead(500, { 'Content-Type': 'text/plain' }).end('broken')
    })
    const call = await run(['call', '--key', 'keys/shop/key.json', `${url}/http/orders`])
    receiver.answer(undefined)
    assert.equal(call.status, 1)
    assert.match(call.err, /^HTTP\/1\.1 5\d\d /)
  })
})

describe('service instances and keys', () => {
  test('parameters come from a file, from options, or both: options win', async () => {
    writeFileSync(
      inFolder('p.json'),
      '{"roles":["Orders.send"],"token-format":"opaque","token-validity":7200}',
    )
    const made = await json<Record<string, unknown>>('instance create mixed -c p.json --token-validity 3600')
    assert.deepEqual(
      [made.roles, made['token-format'], made['token-validity']],
      [['Orders.send'], 'opaque', 3600],
    )
    const changed = await json<{ roles: string[] }>(
      'instance update mixed --role ESBMessaging.send --role Orders.send',
    )
    assert.deepEqual(changed.roles, ['ESBMessaging.send', 'Orders.send'])
    const shown = await done('instance show mixed')
    assert.match(shown.out, /^Roles +ESBMessaging\.send Orders\.send\n/m)
    assert.match(shown.out, /^Created +\d{4}-\d\d-\d\dT[\d:.]+Z \(/m)
  })

  test('what cannot be is refused, what is badly written is wrong usage', async () => {
    await refused('instance create mixed', /error: instance mixed exists already\ncorrelation id: /)
    await refused('instance create y --role Order.send', /did you mean Orders\.send\?\nhint: /)
    await refused('instance create y --token-validity 60', /at least 3600 s/)
    await refused('instance create y --token-validity soon', /whole number/, 2)
    await refused('instance create y -c order.yaml', /there is no such file/, 2)
    await refused('instance create y -c {"grant-types":["client_x509"]}', /write "grant-types"/)
    await refused('instance update mixed', /nothing to change/, 2)
    await refused('instance show ..', /is not a name/, 2)
    await refused('role delete Orders.send', /used by/)
  })

  test('a key is printed flat or as in Cloud Foundry, and is shown once', async () => {
    const flat = await run(['key', 'create', 'mixed', 'a', '--json'])
    assert.equal(flat.status, 0)
    const key = flat.json<Record<string, string>>()
    for (const member of ['clientid', 'clientsecret', 'tokenurl', 'url']) assert.ok(key[member], member)
    const wrapped = await run(['key', 'create', 'mixed', 'b', '--shape', 'cf'])
    assert.match(wrapped.err, /^This key is shown once/)
    assert.ok(wrapped.json<{ oauth: { clientsecret: string; createdate: string } }>().oauth.createdate)
    await done('token --key -', wrapped.out)
    const shown = await json<Record<string, unknown>>('key show mixed a')
    assert.equal(shown.clientid, key.clientid)
    assert.equal('clientsecret' in shown, false)
    await refused('key create mixed c --type nothing', /no key type nothing/)
    await refused('key create mixed c --shape round', /Allowed choices are flat, cf/, 2)
  })

  test('a deleted key gets no token any more', async () => {
    const { out } = await run(['key', 'create', 'mixed', 'gone', '--json'])
    assert.match((await done('key delete mixed gone')).out, /refused from now on/)
    await refused('token --key -', /invalid_client/, 1, out)
    assert.deepEqual(await json('instance delete mixed'), { deleted: 'mixed' })
    await refused('key list mixed', /no instance mixed\nhint: See `countersign instance list`/)
  })

  test('a key that cannot be written down is not made', async () => {
    writeFileSync(inFolder('taken'), '')
    await refused('key create shop lost --out taken/keys', /cannot create taken\/keys/)
    await refused('key show shop lost', /no key lost/)
  })
})

describe('tenants and keys of the server', () => {
  test('another tenant is reached with --tenant, before or after the command', async () => {
    const tenant = await json<{ issuer: string; signingAlgorithm: string }>(
      'tenant create acme --alias acme.example --signing-algorithm EdDSA',
    )
    assert.deepEqual([tenant.issuer, tenant.signingAlgorithm], [`${url}/tenants/acme`, 'EdDSA'])
    const made = await done('--tenant acme instance create shop')
    assert.match(made.out, /Next: countersign key create shop NAME --out DIR --tenant acme\n$/)
    await done('key create shop k --out keys/acme --tenant acme')
    await done('token --key keys/acme/key.json')
    assert.deepEqual(
      (await json<{ name: string }[]>('instance list --tenant acme')).map(each => each.name),
      ['shop'],
    )
    const call = await run(['call', '--key', 'keys/acme/key.json', `${url}/tenants/acme/http/none`])
    const [, line] = /Why: countersign (explain .+ --tenant acme)\n/.exec(call.err) ?? []
    assert.match((await done(line!)).out, /^Refused +404/m)
  })

  test('a tenant that does not exist is named', async () => {
    await refused(
      '--tenant nobody role list',
      /there is no tenant nobody\nhint: See `countersign tenant list`/,
    )
    await done('tenant delete acme')
    await refused('tenant delete acme', /no tenant acme/)
    assert.match((await done('tenant list')).out, /^NAME .*\ndefault /)
  })

  test('signing keys rotate, by date or now', async () => {
    const before = await json<{ kid: string }[]>('signing-key list')
    assert.match((await done('signing-key rotate --now --algorithm PS256')).out, /^The new keys sign from /)
    const keys =
      await json<{ kid: string; use: string; state: string; algorithm: string }[]>('signing-key list')
    assert.equal(keys.length, before.length + 2)
    assert.equal(keys.find(key => key.use === 'sig' && key.state === 'active')?.algorithm, 'PS256')
    await refused('signing-key rotate --algorithm HS256', /algorithm/)
  })

  test('the master key is replaced, by one that is made up or one from a file', async () => {
    const file = join(dataDir, 'master.key')
    const old = readFileSync(file, 'utf8')
    assert.match((await done('master-key rotate')).out, /inner keys are wrapped/)
    assert.notEqual(readFileSync(file, 'utf8'), old)
    const given = Buffer.alloc(32, 7).toString('base64')
    await done('master-key rotate --secret-file -', given)
    assert.equal(readFileSync(file, 'utf8').trim(), given)
    await refused('master-key rotate --secret-file -', /32 bytes/, 1, 'short')
  })
})

describe('the way to the server', () => {
  test('--credentials and --ca may lie elsewhere', async () => {
    const elsewhere = { COUNTERSIGN_DATA_DIR: inFolder('nowhere') }
    const options = ['--credentials', 'data/admin.json', '--ca', 'data/ca.pem']
    assert.equal((await run(['tenant', 'list', ...options], '', elsewhere)).status, 0)
    const missing = await run(['tenant', 'list'], '', elsewhere)
    assert.equal(missing.status, 1)
    assert.match(missing.err, /nowhere\/admin\.json.*\nhint: .*COUNTERSIGN_DATA_DIR.*--credentials FILE/)
    const untrusted = await run(['tenant', 'list', ...options.slice(0, 2)], '', elsewhere)
    assert.equal(untrusted.status, 1)
    assert.match(untrusted.err, /not to be trusted .*\nhint: .*--ca FILE/)
  })

  test('--url names another way to the same server', async () => {
    await done(`tenant list --url ${url.replace('localhost', '127.0.0.1')}`)
    await refused('tenant list --url http://example.com', /plain http/, 2)
    await refused('tenant list --credentials keys/shop/key.json', /not a key of the admin API/, 2)
  })

  test('the administrator’s key is replaced; the old one is refused', async () => {
    const file = join(dataDir, 'admin.json')
    const old = readFileSync(file, 'utf8')
    writeFileSync(inFolder('old-admin.json'), old)
    await done('admin rotate')
    const second = await done('admin rotate')
    assert.match(second.out, /holds the new key admin-\d{14}(-2)?; admin-\d{14} is refused from now on/)
    assert.notEqual(readFileSync(file, 'utf8'), old)
    assert.equal(mode(file), '600')
    assert.equal((await json<unknown[]>('key list countersign-admin')).length, 1)
    await refused('tenant list --credentials old-admin.json', /invalid_client[\s\S]*may have been replaced/)
  })

  test('a restart leaves the replaced key alone and renews its addresses', async () => {
    assert.equal(await stopServer(), 0)
    await refused(
      'tenant list',
      /^error: cannot reach https:\/\/localhost:\d+: is `countersign serve` running\?\n$/,
    )
    url = await startServer()
    assert.match((await done('tenant list')).out, /^NAME/)
  })

  test('the administrator’s key is removed for good, once that was confirmed', async () => {
    await refused('admin remove', /needs --yes[\s\S]*countersign admin remove --yes/, 2)
    const removed = await run(['admin', 'remove', '--yes'])
    assert.equal(removed.status, 0)
    assert.match(removed.err, /nobody can administer/)
    assert.equal(existsSync(join(dataDir, 'admin.json')), false)
    await refused('tenant list', /there is no .*admin\.json/)
  })
})

describe('wrong usage', () => {
  test('is exit 2, with what may have been meant', async () => {
    await refused('tennant list', /\(Did you mean tenant\?\)/, 2)
    await refused('tenant lst', /\(Did you mean list\?\)/, 2)
    await refused('tenant list --jsom', /\(Did you mean --json\?\)/, 2)
    await refused('tenant', /Usage: countersign tenant/, 2)
  })

  test('a server that cannot start says why and exits 1', async () => {
    const taken = await run(['serve'], '', {
      COUNTERSIGN_DATA_DIR: inFolder('second'),
      COUNTERSIGN_PORT: new URL(url).port,
    })
    assert.equal(taken.status, 1)
    assert.match(taken.err, /is taken: end what listens there, or set COUNTERSIGN_PORT/)
    await refused('serve --config none.yaml', /cannot read none\.yaml/)
  })

  test('a reader that has had enough is no error', async () => {
    const child = spawn('sh', ['-c', `"${program}" --help | head -1`], { env, cwd: folder })
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
    assert.deepEqual([out, err], ['Usage: countersign [options] [command]\n', ''])
  })
})
