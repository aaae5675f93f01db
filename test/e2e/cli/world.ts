import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after, before } from 'node:test'
import { commands } from '../../../src/app/commands/index.ts'
import { run } from '../../../src/app/commands/support/program.ts'
import { apiRoles, createInstance, createKey } from '../../../src/core/broker/index.ts'
import { isProblem } from '../../../src/core/problem.ts'
import { type Receiver, startReceiver } from '../../support/receiver.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

/** The command line and a server in this process, for the tests of one file; what starts processes is in ../cli.test.ts. */

const folder = mkdtempSync(join(tmpdir(), 'countersign-cli-certificates-'))
let receiver: Receiver

export let world: TestServer
/** The flow `orders`, on the port that asks for a certificate. */
export const flow = () => `${world.mtlsUrl}/http/orders`

before(async () => {
  receiver = await startReceiver()
  world = await startTestServer()
  const { services } = world.server
  const parameters = { roles: apiRoles.map(role => role.name) }
  await createInstance(world.tenant, { name: 'admin', plan: 'api', parameters }, services)
  const made = await createKey(world.tenant, 'admin', 'admin', {}, services)
  assert.ok(!isProblem(made))
  write('admin.json', JSON.stringify(made.document))
  write('ca.pem', world.ca)
  await world.deploy({
    id: 'orders',
    sender: { adapter: 'HTTPS', address: '/orders' },
    receiver: { adapter: 'HTTP', url: receiver.origin },
  })
  await done('instance create erp')
})

after(async () => {
  await world.close()
  await receiver.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Files of the test, in a folder that goes away afterwards. */
export const at = (name: string) => join(folder, name)
export const read = (name: string) => readFileSync(at(name), 'utf8')
export const mode = (name: string) => (statSync(at(name)).mode & 0o777).toString(8)
export function write(name: string, content: string, mode = 0o600): void {
  writeFileSync(at(name), content)
  chmodSync(at(name), mode)
}

export interface Transcript {
  readonly status: number
  readonly out: string
  readonly err: string
  json<Document = Record<string, unknown>>(): Document
}

/** A command line without quotes; `$` stands for the folder of the test. */
export async function cli(
  line: string,
  input = '',
  random: (bytes: number) => Buffer = randomBytes,
): Promise<Transcript> {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const args = line.split(' ').map(word => word.replace(/^\$/, `${folder}/`))
  const status = await run([...args, '--credentials', at('admin.json'), '--ca', at('ca.pem')], commands, {
    env: { LANG: 'C.UTF-8' },
    stdin: Readable.from([input]),
    stdout,
    stderr,
    now: () => world.now(),
    wait: async () => {},
    onInterrupt: () => () => {},
    random,
  })
  const [out, err] = await Promise.all([text(stdout.end()), text(stderr.end())])
  return { status, out, err, json: <Document>() => JSON.parse(out) as Document }
}

/** It must succeed, and say exactly this on stderr. */
export async function done(line: string, words: RegExp | '' = ''): Promise<Transcript> {
  const transcript = await cli(line)
  assert.equal(transcript.status, 0, `${line}: ${transcript.err}`)
  if (words === '') assert.equal(transcript.err, '', line)
  else assert.match(transcript.err, words, line)
  return transcript
}

export async function json<Document>(line: string, words: RegExp | '' = ''): Promise<Document> {
  return (await done(`${line} --json`, words)).json<Document>()
}

/** It must be refused with these words. */
export async function refused(line: string, words: RegExp, status = 1): Promise<Transcript> {
  return assertRefused(await cli(line), words, status)
}

/** The same where what was made cannot be written down. */
export async function refusedInTheEnd(line: string, words: RegExp): Promise<Transcript> {
  const broken = () => {
    throw new Error('no randomness')
  }
  return assertRefused(await cli(line, '', broken), words, 1)
}

function assertRefused(transcript: Transcript, words: RegExp, status: number): Transcript {
  assert.match(transcript.err, words)
  assert.equal(transcript.status, status, transcript.err)
  return transcript
}

export interface KeyAnswer {
  readonly certificates: readonly { readonly state: string; readonly serial: string }[]
}

/** Of the certificates of a key, oldest first. */
export const states = async (key: string, words: RegExp | '' = '') =>
  (await json<KeyAnswer>(`key show ${key}`, words)).certificates.map(each => each.state)

export const openssl = (line: string) =>
  execFileSync('openssl', line.split(' '), {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })

/** Options of `openssl req`. */
export const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
export const mayIssue = '-addext keyUsage=critical,keyCertSign,cRLSign'

/** The PEM blocks of a chain. */
export const blocks = (pem: string) =>
  pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? []
