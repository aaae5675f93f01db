// Which Node runs what. Countersign needs Node 24.7 (argon2 in node:crypto); the scripts here also run under an older one,
// because setting up a newer one is their job.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export const oldestNode = '24.7'
export const root = realpathSync(dirname(dirname(fileURLToPath(import.meta.url))))
export const modules = join(root, 'node_modules')
export const fetchedNode = join(modules, 'node', 'bin', 'node')

const parts = version => version.replace(/^v/, '').split('.').map(Number)

function isNewEnough(version) {
  const [major, minor] = parts(version)
  const [oldestMajor, oldestMinor] = parts(oldestNode)
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)
}

/**
 * True where the project must bring its own Node. A run under the fetched one counts too: it says that
 * npm put node_modules/.bin first in PATH, not that the computer has a new enough Node by now.
 */
export const needsFetchedNode = () =>
  !isNewEnough(process.version) ||
  process.execPath.startsWith(modules + sep) ||
  process.execPath.startsWith(safeRealpath(modules) + sep)

/** True if the fetched Node is there and starts. Asking it is the only proof: the binary comes by a script. */
export const fetchedNodeWorks = () => {
  const answer = spawnSync(fetchedNode, ['-v'], { encoding: 'utf8' })
  return answer.status === 0 && isNewEnough(answer.stdout)
}

/** The Node to run the project's own code with. */
export const projectNode = () => (needsFetchedNode() ? fetchedNode : process.execPath)

/** PATH with the project's own Node (and tools) first, so that `#!/usr/bin/env node` finds it. */
export const projectPath = () => [join(modules, '.bin'), outerPath()].join(':')

/** PATH without node_modules/.bin: npm itself must not run under a Node that it is about to delete. */
export const outerPath = () =>
  (process.env.PATH ?? '')
    .split(':')
    .filter(folder => folder !== join(modules, '.bin'))
    .join(':')

/**
 * Continues under a new enough Node: returns if this one is, else runs the same command line again under
 * the fetched one and never returns. Signals reach the second process, its exit status becomes ours.
 */
export const continueUnderNewNode = async () => {
  if (isNewEnough(process.version)) return
  if (!existsSync(fetchedNode)) {
    console.error(
      `This needs Node ${oldestNode} or newer and runs under ${process.version}: run npm run setup first.`,
    )
    process.exit(1)
  }
  const child = spawn(fetchedNode, process.argv.slice(1), { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  const [status, signal] = await new Promise(resolve => child.on('exit', (...how) => resolve(how)))
  process.exit(signal === null ? status : 1)
}

function safeRealpath(path) {
  return existsSync(path) ? realpathSync(path) : path
}
