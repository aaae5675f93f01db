// What people read.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, loadavg } from 'node:os'
import { processor, spread } from './measure.mjs'

const require = createRequire(import.meta.url)
const versionOf = name => {
  const file = require.resolve.paths(name).map(folder => `${folder}/${name}/package.json`)
  for (const path of file) {
    try {
      return JSON.parse(readFileSync(path, 'utf8')).version
    } catch {}
  }
}

const number = (value, digits = 1) => value.toFixed(digits)
const three = ({ min, median, max }, digits) =>
  [min, median, max].map(value => number(value, digits)).join(' / ')

/** On what, with what, and how busy it was. */
export const printConditions = ({ rounds, seconds }) => {
  const peers = ['oidc-provider', 'jose', '@fastify/http-proxy', 'fastify']
  const conditions = {
    date: new Date().toISOString(),
    node: process.version,
    openssl: process.versions.openssl,
    processors: `${cpus().length} x ${cpus()[0].model}`,
    loadAverage: loadavg()
      .map(value => number(value, 2))
      .join(' '),
    peers: Object.fromEntries(peers.map(name => [name, versionOf(name)])),
    rounds,
    seconds,
  }
  const { node, openssl, processors, loadAverage, date } = conditions
  console.log(`${date}  Node ${node} (OpenSSL ${openssl})  ${processors}  load average ${loadAverage}`)
  console.log(
    Object.entries(conditions.peers)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
  )
  console.log(`${rounds} rounds of ${seconds} s each, wrk -t1 -c64, server and wrk on processor ${processor}`)
  console.log('Figures are least / median / greatest of the rounds.')
  return conditions
}

/** Each round's ratio of another side to ours. */
const ratios = (ours, other) =>
  spread(ours.rounds.map((round, i) => other.rounds[i].microseconds / round.microseconds))

const goalOf = ({ goal, sides }) => {
  if (!goal) return undefined
  const [ours, peer] = sides
  if (goal.kind === 'times')
    return {
      goal: `${goal.atLeast} times`,
      measured: ratios(ours, peer),
      unit: 'times',
      met: value => value >= goal.atLeast,
    }
  const costOf = (name, i) => sides.find(side => side.name === name).rounds[i].microseconds
  if (goal.kind === 'within')
    return {
      goal: `at most ${goal.atMost} times`,
      measured: spread(
        ours.rounds.map(
          (round, i) => round.microseconds / goal.of.reduce((sum, name) => sum + costOf(name, i), 0),
        ),
      ),
      unit: 'times',
      met: value => value <= goal.atMost,
    }
  return {
    goal: `at most ${goal.atMost} us above`,
    measured: spread(ours.rounds.map((round, i) => round.microseconds - costOf(goal.over, i))),
    unit: 'us above',
    met: value => value <= goal.atMost,
  }
}

export const printCase = result => {
  const { title, sides, idlePercent, stealPercent, othersPercent, disturbed, droppedEntries, late } = result
  console.log(`\n${title}`)
  console.log(
    `  idle ${number(idlePercent, 0)} %, steal ${number(stealPercent, 0)} %, others took ${three(othersPercent, 0)} % of a processor; ${disturbed} disturbed rounds played again`,
  )
  if (late > 0) console.log(`  ${late} answers took longer than 2 s`)
  if (droppedEntries > 0) console.log(`  the journal dropped ${droppedEntries} entries`)
  console.log(
    `  ${'side'.padEnd(32)}${'CPU us/request'.padEnd(26)}${'requests/s'.padEnd(28)}${'times ours'.padEnd(22)}MB`,
  )
  for (const side of sides) {
    const columns = [
      side.name.padEnd(32),
      three(side.microseconds).padEnd(26),
      (side.perSecond ? three(side.perSecond, 0) : '').padEnd(28),
      (side === sides[0] ? '1' : three(ratios(sides[0], side), 2)).padEnd(22),
      number(side.megabytes, 0),
    ]
    console.log(`  ${columns.join('')}`)
  }
}

export const printMemory = results => {
  console.log('\nResident memory, MB')
  for (const { format, idle, after } of results) {
    const steps = after.map(({ tokens, megabytes }) => `after ${tokens} tokens ${number(megabytes, 0)}`)
    console.log(`  ${format.padEnd(8)} idle ${number(idle, 0)}, ${steps.join(', ')}`)
  }
}

export const printStart = result => {
  console.log('\nStart-up of `countersign serve` to the first 200 of /readyz')
  if (!result) return console.log('  not measured: the product is not built')
  for (const [name, { milliseconds, cpuMilliseconds, megabytes }] of Object.entries(result))
    console.log(
      `  ${name.padEnd(8)} ${three(milliseconds, 0)} ms, CPU ${three(cpuMilliseconds, 0)} ms, ${three(megabytes, 0)} MB`,
    )
}

/** Goals and what was measured, side by side. */
export const printSummary = results => {
  const rows = results.cases.map(result => ({ result, goal: goalOf(result) })).filter(({ goal }) => goal)
  if (rows.length > 0) console.log(`\n  ${'case'.padEnd(64)}${'goal'.padEnd(22)}measured`)
  for (const { result, goal } of rows) {
    const digits = goal.unit === 'times' ? 2 : 0
    const verdict = goal.met(goal.measured.median) ? 'reached' : 'NOT reached'
    console.log(
      `  ${result.title.padEnd(64)}${goal.goal.padEnd(22)}${three(goal.measured, digits)}  ${verdict}`,
    )
  }
  console.log(
    `  load average at the end ${loadavg()
      .map(value => number(value, 2))
      .join(' ')}`,
  )
}
