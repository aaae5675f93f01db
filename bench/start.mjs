// From the command line to the first 200 of /readyz: `countersign serve` as users start it, on an empty directory
// (it makes keys and certificates) and on the same one again.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { get } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { root } from '../scripts/node.mjs'
import { cpuSeconds, residentMegabytes, spread } from './measure.mjs'

/** Undefined where the product is not built. */
export const runStart = async ({ directory, rounds }) => {
  if (!existsSync(join(root, 'dist', 'app', 'cli.js'))) return undefined
  const first = []
  const again = []
  for (let round = 0; round < rounds; round++) {
    const dataDir = mkdtempSync(join(directory, 'start-'))
    first.push(await start(dataDir))
    again.push(await start(dataDir))
  }
  const of = starts => ({
    milliseconds: spread(starts.map(each => each.milliseconds)),
    cpuMilliseconds: spread(starts.map(each => each.cpuMilliseconds)),
    megabytes: spread(starts.map(each => each.megabytes)),
  })
  return { first: of(first), again: of(again) }
}

const start = async dataDir => {
  const [port, pkiPort] = [await freePort(), await freePort()]
  const env = {
    ...process.env,
    COUNTERSIGN_DATA_DIR: dataDir,
    COUNTERSIGN_PORT: String(port),
    COUNTERSIGN_PKI_PORT: String(pkiPort),
  }
  const begun = performance.now()
  const child = spawn(join(root, 'bin', 'countersign'), ['serve'], { cwd: dataDir, env, stdio: 'ignore' })
  const ended = new Promise(resolve => child.on('close', resolve))
  try {
    await whenReady(child, pkiPort)
    const milliseconds = performance.now() - begun
    const cpuMilliseconds = cpuSeconds(child.pid) * 1000
    return { milliseconds, cpuMilliseconds, megabytes: residentMegabytes(child.pid) }
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}

/** Resolves with the first 200 of /readyz. */
export const whenReady = async (child, pkiPort) => {
  while (!(await isReady(pkiPort))) {
    if (child.exitCode !== null) throw new Error(`countersign serve ended with ${child.exitCode}`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

const isReady = port =>
  new Promise(resolve => {
    const request = get({ port, host: '127.0.0.1', path: '/readyz', agent: false }, response => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.on('error', () => resolve(false))
  })

export const freePort = () =>
  new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
