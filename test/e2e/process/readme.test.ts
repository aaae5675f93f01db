import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { freePort, project, startServer, temporaryDirectory } from './support.ts'

const page = (name: string) => readFileSync(join(project, name), 'utf8')
const readme = page('README.md')
/** Each goes on where the one before ends, with so many blocks at least. */
const pages = [
  { name: 'README.md', text: readme, least: 6 },
  { name: 'docs/certificates.md', text: page('docs/certificates.md'), least: 6 },
  { name: 'docs/assertions.md', text: page('docs/assertions.md'), least: 2 },
  { name: 'docs/keystore.md', text: page('docs/keystore.md'), least: 1 },
  { name: 'docs/provisioning.md', text: page('docs/provisioning.md'), least: 5 },
]

/** Shell lines of a page in their order; those with a gap to fill in, and the clone, are for people. */
const blocksOf = (text: string) =>
  [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
    .map(([, lines]) => lines!)
    .filter(lines => !/<[a-z ]+>/.test(lines))

/** What a block prints last, where it is not to succeed: the README says so beside it. */
const refusals: readonly { readonly line: RegExp; readonly words: RegExp }[] = [
  { line: /call --key erp-key\/key\.json/, words: /502/ },
  { line: /call --key countersign-data\/demo\/key\.json .*\/http\/purchase/, words: /403/ },
]

// A folder of its own, so that the lines find everything where the README has it.
const folder = temporaryDirectory()
/** Stands for port 9000, on which nobody listens in the README: a port that is kept, and answers nothing. */
let silent: Server
/** Stands for port 9100: a SCIM server that may be written to. */
let scim: ChildProcess
let ports: Readonly<Record<string, string>>

before(async () => {
  const free = await Promise.all([freePort(), freePort(), freePort()])
  const [publicPort, mtlsPort, pkiPort] = free.map(String) as [string, string, string]
  silent = createServer(request => request.socket.destroy()).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const silentPort = String((silent.address() as AddressInfo).port)
  scim = spawn(process.execPath, [join(project, 'test/interop/programs/scim-server.mjs'), '{}'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [told] = await once(scim.stdout!, 'data')
  const scimPort = new URL(JSON.parse(String(told)).url).port
  ports = { 8443: publicPort, 9443: mtlsPort, 8480: pkiPort, 9000: silentPort, 9100: scimPort }
  await startServer({
    dataDir: join(folder, 'countersign-data'),
    cwd: folder,
    args: ['--demo'],
    env: {
      COUNTERSIGN_PORT: publicPort,
      COUNTERSIGN_MTLS_PORT: mtlsPort,
      COUNTERSIGN_PKI_PORT: pkiPort,
    },
  })
})
after(() => {
  silent.close()
  scim.stdin!.end()
})

/** As pasted into a terminal, with the ports of this test. */
function paste(lines: string): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const script = lines
    .replaceAll('bin/countersign', `'${join(project, 'bin/countersign')}'`)
    .replaceAll(/(localhost|127\.0\.0\.1):(\d+)/g, (whole, host, port) =>
      ports[port] === undefined ? whole : `${host}:${ports[port]}`,
    )
  const { PATH, HOME } = process.env
  const child = spawn('bash', ['-e', '-o', 'pipefail', '-c', script], { cwd: folder, env: { PATH, HOME } })
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

for (const { name, text, least } of pages)
  describe(`the shell lines of ${name}, pasted in their order`, () => {
    const blocks = blocksOf(text)
    for (const lines of blocks) {
      const title = lines.split('\n').find(line => line !== '' && !line.startsWith('#'))
      test(`do what it says: ${title?.slice(0, 100)}`, async () => {
        const { status, stdout, stderr } = await paste(lines)
        const refusal = refusals.find(({ line }) => line.test(lines))
        if (!refusal) return assert.equal(status, 0, `${stdout}${stderr}`)
        assert.equal(status, 1, stderr)
        assert.match(stderr, refusal.words)
      })
    }

    test('are there', () => assert.ok(blocks.length >= least))
  })

test('the TypeScript of the README for a sender gets through', async () => {
  const [code] = /import \{ request \} from 'node:https'[\s\S]*?(?=^```)/m.exec(readme) ?? []
  const program = [
    "import { readFileSync } from 'node:fs'",
    `import { readServiceKey, tokenClientFromServiceKey } from '${join(project, 'dist/client/index.js')}'`,
    'const order = "{}"',
    'const handle = response => response.pipe(process.stdout) && tokens.close()',
    code!.replace(':9443', `:${ports['9443']}`),
  ].join('\n')
  writeFileSync(join(folder, 'program.mjs'), program)
  const { status, stdout, stderr } = await paste(`'${process.execPath}' program.mjs`)
  assert.equal(status, 0, stderr)
  assert.match(stdout, /"received":2/)
})
