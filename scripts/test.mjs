// Runs the tests and ends with one line: N passed, M failed.
//   node scripts/test.mjs [--no-postgres] [file or folder ...]
// Only what passed counts as passed: a skipped, unfinished or cancelled test, and a file that reports no
// test, are failures.
import { existsSync, readdirSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { run } from 'node:test'
import { spec as Spec } from 'node:test/reporters'
import { continueUnderNewNode, projectPath, root } from './node.mjs'
import { startPostgres } from './postgres.mjs'
import { createTally } from './tally.mjs'

const testTimeout = 60_000
// Longer than any test may take: a file that is silent for so long has passed its tests and does not end.
const silence = 2 * testTimeout

// What the shell has set for a server of the user's must not reach the servers of the tests.
const foreign =
  /^(COUNTERSIGN_|CAMUNDA_|ZEEBE_|SERVER_|SPRING_|LOGGING_|INITIAL_CLAIM_VALUE$|PG[A-Z]|NODE_ENV$)/

const testsBelow = path =>
  statSync(path).isDirectory()
    ? readdirSync(path).flatMap(name => {
        if (name === 'node_modules') return []
        const inside = join(path, name)
        return statSync(inside).isDirectory() || name.endsWith('.test.ts') ? testsBelow(inside) : []
      })
    : [path]

const fail = line => {
  console.error(line)
  process.exit(1)
}

/** Test files relative to the project root, sorted. */
const chooseFiles = named => {
  const absent = named.find(path => !existsSync(path))
  if (absent !== undefined) fail(`There is no ${absent}.`)
  const places =
    named.length > 0 ? named.map(path => resolve(path)) : ['src', 'test'].map(name => join(root, name))
  const files = [...new Set(places.filter(place => existsSync(place)).flatMap(testsBelow))]
  if (files.length === 0) fail('No test was found: that is a failure, not a success.')
  return files.map(file => relative(root, file)).sort()
}

/** Runs the files and writes the usual report; resolves to what was counted. */
const runFiles = async (files, interrupted) => {
  const tally = createTally(files, root)
  const silent = new AbortController()
  const timer = setTimeout(() => silent.abort(), silence)
  const events = run({
    files,
    cwd: root,
    timeout: testTimeout,
    concurrency: Math.max(2, availableParallelism()),
    signal: AbortSignal.any([interrupted, silent.signal]),
  })
  for (const [type, listener] of Object.entries(tally.listeners)) events.on(type, listener)
  for (const type of ['test:start', 'test:stdout', 'test:stderr', 'test:pass', 'test:fail']) {
    events.on(type, () => timer.refresh())
  }
  for await (const text of events.compose(new Spec())) process.stdout.write(text)
  clearTimeout(timer)
  const { complaints, ...result } = tally.result()
  if (silent.signal.aborted) complaints.push(`stopped: nothing was heard for ${silence / 1000} s`)
  return { ...result, complaints }
}

const summarize = ({ passed, failed, complaints, slowest }) => {
  const seconds = ms => `${(ms / 1000).toFixed(1).padStart(7)} s`
  console.log(
    ['\nSlowest files', ...slowest.slice(0, 5).map(({ ms, file }) => `${seconds(ms)}  ${file}`)].join('\n'),
  )
  if (complaints.length > 0) console.log(['\nCounted as failed', ...complaints].join('\n  '))
  console.log(`\n${passed} passed, ${failed} failed`)
}

await continueUnderNewNode()
const args = process.argv.slice(2)
const unknown = args.find(arg => arg.startsWith('-') && arg !== '--no-postgres')
if (unknown !== undefined) fail(`Unknown option ${unknown}: the only one is --no-postgres.`)
const files = chooseFiles(args.filter(arg => !arg.startsWith('-')))

for (const name of Object.keys(process.env)) if (foreign.test(name)) delete process.env[name]
process.env.PATH = projectPath()

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => interrupted.abort())

const postgres = args.includes('--no-postgres')
  ? undefined
  : await startPostgres().catch(error => fail(error.message))
if (postgres !== undefined) process.env.COUNTERSIGN_TEST_POSTGRES_URL = postgres.url
const result = await runFiles(files, interrupted.signal)
await postgres?.stop()
summarize(result)
process.exitCode = result.failed === 0 && result.passed > 0 && !interrupted.signal.aborted ? 0 : 1
