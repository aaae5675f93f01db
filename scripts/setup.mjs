// Everything a fresh clone needs, and nothing twice: what is there already is looked at, not done again.
//   node scripts/setup.mjs            dependencies, a new enough Node, the build
//   node scripts/setup.mjs --test     and what the tests use (PostgreSQL, openssl, curl, other vendors' clients)
//   node scripts/setup.mjs --bench    and what the benchmarks use (wrk, taskset, the peers in bench/)
// Runs under Node 18 and newer, without any dependency.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { build, isBuilt } from './build.mjs'
import { fetchedNodeWorks, modules, needsFetchedNode, oldestNode, outerPath, root } from './node.mjs'
import { installTools, missingTools } from './tools.mjs'

const nodePackage = 'node@26'
const purposes = { '--test': 'test', '--bench': 'bench' }
const flags = process.argv.slice(2)
const lock = join(root, '.cache', 'setup.lock')
/** The peers of the benchmarks live apart from the product's own dependencies. */
const bench = join(root, 'bench')
/** So do the clients of other vendors that the tests run: not all of them may be shipped. */
const interop = join(root, 'test', 'interop')

const say = line => process.stderr.write(`set-up: ${line}\n`)

const stop = line => {
  say(line)
  process.exit(1)
}

const readJson = file => JSON.parse(readFileSync(file, 'utf8'))

/** Compares what npm installed in a folder (its own record) with what package-lock.json there asks for. */
const dependenciesMatch = folder => {
  const record = join(folder, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return false
  const installed = readJson(record).packages
  return Object.entries(readJson(join(folder, 'package-lock.json')).packages).every(([path, wanted]) => {
    const found = installed[path]
    if (path === '') return true
    // Packages for other systems stay away.
    if (found === undefined) return wanted.optional === true
    return found.version === wanted.version && (wanted.integrity ?? found.integrity) === found.integrity
  })
}

/** npm under the computer's own Node, quiet but for errors. Users' own npm settings must not change what we get. */
const npm = (args, cwd = root) =>
  spawnSync('npm', [...args, '--loglevel=error', '--no-audit', '--no-fund'], {
    cwd,
    env: { ...process.env, PATH: outerPath() },
    stdio: ['ignore', 'ignore', 'inherit'],
  }).status === 0

const installDependencies = folder => {
  if (!npm(['ci', '--include=dev', '--include=optional'], folder)) {
    return `npm ci failed in ${folder} (its reason is above): check the network and package-lock.json, then run this again.`
  }
}

/**
 * Fetches a Node into node_modules, where npm scripts find it first. The package's binary comes by its
 * install script, which npm may refuse to run for a package that nobody approved: so it is run by name.
 */
const fetchNode = () => {
  const folder = join(modules, 'node')
  const link = join(modules, '.bin', 'node')
  const done =
    npm(['install', '--no-save', '--ignore-scripts', '--include=dev', '--include=optional', nodePackage]) &&
    npm(['run', 'preinstall', '--ignore-scripts=false'], folder)
  if (done && fetchedNodeWorks()) {
    rmSync(link, { force: true })
    symlinkSync(join('..', 'node', 'bin', 'node'), link)
    return
  }
  return `${nodePackage} could not be fetched and the installed Node is older than ${oldestNode}: install Node ${oldestNode} or newer, then run this again.`
}

const wantedPurposes = flags.map(
  flag => purposes[flag] ?? stop(`unknown option ${flag}: known are ${Object.keys(purposes).join(', ')}`),
)

/** In order. `isDone` looks, `act` does it and returns a line for the user if it cannot. */
const steps = [
  {
    name: () =>
      `installing ${missingTools(wantedPurposes)
        .map(tool => tool.name)
        .join(', ')} from the system's packages`,
    isDone: () => missingTools(wantedPurposes).length === 0,
    act: () => installTools(missingTools(wantedPurposes)),
  },
  {
    name: () => 'installing dependencies (npm ci)',
    isDone: () => dependenciesMatch(root),
    act: () => installDependencies(root),
  },
  {
    name: () => `fetching ${nodePackage}, because the installed Node is older than ${oldestNode}`,
    isDone: () => !needsFetchedNode() || (existsSync(join(modules, '.bin', 'node')) && fetchedNodeWorks()),
    act: fetchNode,
  },
  {
    name: () => 'installing what the benchmarks compare with (npm ci in bench/)',
    isDone: () => !wantedPurposes.includes('bench') || dependenciesMatch(bench),
    act: () => installDependencies(bench),
  },
  {
    name: () => "installing other vendors' clients for the tests (npm ci in test/interop/)",
    isDone: () => !wantedPurposes.includes('test') || dependenciesMatch(interop),
    act: () => installDependencies(interop),
  },
  { name: () => 'building', isDone: isBuilt, act: build },
]

/** Two set-ups of one folder (npm start and npm test in two windows) go one after the other. */
const holdLock = () => {
  mkdirSync(join(root, '.cache'), { recursive: true })
  for (let waiting = false; ; waiting = true) {
    try {
      // A link that names the holder appears whole or not at all, unlike a file that is written into.
      symlinkSync(String(process.pid), lock)
      process.on('exit', () => rmSync(lock, { force: true }))
      return
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (!waiting) say('waiting for another set-up of this folder')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
    if (isAbandoned()) rmSync(lock, { force: true })
  }
}

const isAbandoned = () => {
  try {
    process.kill(Number(readlinkSync(lock)), 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

if (steps.some(step => !step.isDone())) {
  try {
    holdLock()
  } catch (error) {
    stop(`this folder cannot be written to (${error.code}): run it as the owner of ${root}.`)
  }
  for (const step of steps) {
    if (step.isDone()) continue
    say(step.name())
    const problem = step.act()
    if (problem !== undefined) stop(problem)
  }
}
