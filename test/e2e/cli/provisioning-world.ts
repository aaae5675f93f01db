import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after, before } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { commands } from '../../../src/app/commands/index.ts'
import { run } from '../../../src/app/commands/support/program.ts'
import { type ScimServer, startScimServer } from '../../support/scim-server.ts'
import { callUrl } from '../../support/server.ts'
import { project, type ServerProcess, startServer, temporaryDirectory } from '../process/support.ts'

/** A server in a process of its own, two SCIM servers of others, and the command line. Runs what is in dist. */

const folder = temporaryDirectory()

export let server: ServerProcess
/** It takes whoever comes. */
export let source: ScimServer
/** It takes who shows a certificate of Countersign's authority and a token. */
export let target: ScimServer

before(async () => {
  server = await startServer()
  const root = await callUrl(`${server.pki}/pki/ca.pem`, server.ca, {})
  source = await startScimServer(undefined)
  target = await startScimServer(undefined, { clientRoot: root.text, bearer: true })
  write('root.pem', root.text)
  for (const [alias, ca] of [
    ['own', server.ca],
    ['source', source.ca],
    ['target', target.ca],
  ] as const) {
    write(`${alias}.pem`, ca)
    await done(`keystore import ${alias}-ca $${alias}.pem`)
  }
})

after(async () => {
  await Promise.all([source.stop(), target.stop(), server.stop()])
})

export const at = (name: string) => join(folder, name)
export const read = (name: string) => readFileSync(at(name), 'utf8')
export const mode = (name: string) => (statSync(at(name)).mode & 0o777).toString(8)
export const write = (name: string, content: string) => writeFileSync(at(name), content)

/** A file that sources of type `file` are read from. */
export function provide(name: string, lines: readonly string[]): void {
  const place = join(server.dataDir, 'provisioning', 'default')
  mkdirSync(place, { recursive: true })
  writeFileSync(join(place, name), `${lines.join('\n')}\n`)
}

export interface Transcript {
  readonly status: number
  readonly out: string
  readonly err: string
}

interface Circumstances {
  readonly input?: string
  /** Milliseconds by which the clock of who types is ahead. */
  readonly ahead?: number
  /** A terminal of so many columns. */
  readonly columns?: number
}

const credentials = () => [
  '--credentials',
  join(server.dataDir, 'admin.json'),
  '--ca',
  join(server.dataDir, 'ca.pem'),
]

/** A command line without quotes; `$` stands for the folder of the test. */
export async function cli(line: string, circumstances: Circumstances = {}): Promise<Transcript> {
  const { input = '', ahead = 0, columns } = circumstances
  const stdout = new PassThrough()
  const stderr = Object.assign(new PassThrough(), columns !== undefined && { isTTY: true, columns })
  const args = line.split(' ').map(word => word.replace(/(^|@)\$/, `$1${folder}/`))
  const status = await run([...args, ...credentials()], commands, {
    env: { LANG: 'C.UTF-8', TERM: 'xterm', NO_COLOR: '1' },
    stdin: Readable.from([input]),
    stdout,
    stderr,
    now: () => Date.now() + ahead,
    // Nobody here has a second.
    wait: async ms => void (await setTimeout(ms / 20)),
    onInterrupt: () => () => {},
    random: randomBytes,
  })
  const [out, err] = await Promise.all([text(stdout.end()), text(stderr.end())])
  return { status, out, err }
}

/** It must succeed, and say this on stderr. */
export async function done(
  line: string,
  words: RegExp | '' = '',
  given?: Circumstances,
): Promise<Transcript> {
  const transcript = await cli(line, given)
  assert.equal(transcript.status, 0, `${line}: ${transcript.out}${transcript.err}`)
  if (words === '') assert.equal(transcript.err, '', line)
  else assert.match(transcript.err, words, line)
  return transcript
}

/** With `--json`, which makes one document. */
export const json = async <Document>(line: string): Promise<Document> =>
  JSON.parse((await done(`${line} --json`)).out) as Document

/** It must be refused with these words. */
export async function refused(
  line: string,
  words: RegExp,
  status = 1,
  given?: Circumstances,
): Promise<Transcript> {
  const transcript = await cli(line, given)
  assert.match(transcript.err, words, line)
  assert.equal(transcript.status, status, `${line}: ${transcript.err}`)
  return transcript
}

/** The same in a process of its own, which Ctrl-C reaches as soon as it is asked for. */
export function launch(line: string) {
  const child = spawn(join(project, 'bin/countersign'), [...line.split(' '), ...credentials()], {
    env: { PATH: process.env.PATH, LANG: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = Promise.all([
    new Promise<number | null>(resolve => child.once('close', resolve)),
    text(child.stdout),
    text(child.stderr),
  ]).then(([status, out, err]) => ({ status, out, err }))
  return { ended, interrupt: () => void child.kill('SIGINT') }
}
