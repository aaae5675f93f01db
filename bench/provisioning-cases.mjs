// A full job between two SCIM servers, beside a straight loop that does the same, and then a delta job. Both servers share
// one processor, and the one who copies has the other for itself.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { root } from '../scripts/node.mjs'
import { cpuSeconds, processor, spread, startServer } from './measure.mjs'
import { isBuilt, startProduct } from './provisioning-product.mjs'

const sizes = { users: 50_000, groups: 500, members: 100 }
const fewer = { users: 5_000, groups: 50, members: 100 }
/** One user of so many is changed before the delta job. */
const changedOneOf = 100

/** What is wanted of the product. A changed entity costs about what a new one does, whatever the number of the others. */
const goals = { ofLoop: 0.8, megabytes: 200, deltaTimes: 2 }

/** Which SCIM servers stand at both ends. */
export const provisioningPairs = [
  { name: 'node:http', server: 'scim-server' },
  {
    name: 'scimmy-routers',
    server: '../../test/interop/programs/scim-server',
    // A tenth: a POST costs this server some 0.7 ms, and so the full size would measure little else for a minute.
    fewer: true,
    // A server of the tests: only where they are set up.
    present: () => existsSync(`${root}/test/interop/node_modules/scimmy`),
  },
]

const loop = fileURLToPath(new URL('provisioning-loop.mjs', import.meta.url))
const other = availableParallelism() > 1 ? processor - 1 : processor

/** One run of the loop: what it prints. */
const loopSide = ({ source, target }) => {
  const argument = JSON.stringify({ source: source.url, target: target.url })
  const child = spawn('taskset', ['-c', String(other), process.execPath, loop, argument], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return new Promise((resolve, reject) => {
    let output = ''
    child.stdout.on('data', chunk => {
      output += chunk
    })
    child.on('close', code =>
      code === 0 ? resolve(JSON.parse(output)) : reject(new Error(`ended: ${code}`)),
    )
  })
}

/** A full job of a server that was just started, and a delta job after it. */
const productSide = async ({ source, target }, { profile }) => {
  const product = await startProduct({ source: source.url, target: target.url }, { on: other, profile })
  try {
    const full = await product.run('read')
    // Times of change are compared by the second.
    await new Promise(resolve => setTimeout(resolve, 1100))
    // Another title in each round: what has not changed is not written.
    const title = `Changed at ${Date.now()}`
    const { touched } = await source.ask(`touch ${JSON.stringify({ oneOf: changedOneOf, title })}`)
    await source.ask('forget')
    await target.ask('forget')
    const delta = await product.run('delta')
    if (delta.entities !== touched) throw new Error(`${touched} were changed, ${delta.entities} written`)
    const requests = (await requestsOf(source)) + (await requestsOf(target))
    return { ...full, idleMegabytes: product.idleMegabytes, delta: { ...delta, requests } }
  } finally {
    await product.stop()
  }
}

const requestsOf = async server =>
  Object.values((await server.ask('requests')).counts).reduce((sum, count) => sum + count, 0)

/** Name -> one full copy from a filled source to an empty target, as figures like those of the loop. */
const sides = {
  Countersign: isBuilt() ? productSide : undefined,
  'undici in a straight loop': loopSide,
}

/** Runs every side `rounds` times on every pair of servers, each round from an empty target. */
export const runProvisioning = async ({ rounds, quick, profile }) => {
  const results = []
  const present = Object.entries(sides).filter(([, run]) => run)
  for (const { name, server, present: isPresent, fewer: small } of provisioningPairs) {
    if (isPresent && !isPresent()) continue
    const wanted = quick || small ? fewer : sizes
    const source = await startServer(server)
    const target = await startServer(server)
    try {
      await source.ask(`preload ${JSON.stringify(wanted)}`)
      const played = Object.fromEntries(present.map(([side]) => [side, []]))
      for (let round = 0; round < rounds; round++)
        for (const [side, run] of present)
          played[side].push(await oneRound(run, { source, target }, wanted, { profile }))
      results.push({ servers: name, ...wanted, sides: played })
    } finally {
      await source.stop()
      await target.stop()
    }
  }
  return results
}

const oneRound = async (run, servers, wanted, settings) => {
  const { source, target } = servers
  await target.ask('reset')
  const before = [cpuSeconds(source.pid), cpuSeconds(target.pid)]
  const told = await run(servers, settings)
  const there = await target.ask('size')
  if (there.users !== wanted.users || there.groups !== wanted.groups)
    throw new Error(`the target has ${there.users} users and ${there.groups} groups`)
  return {
    ...told,
    sourceCpuSeconds: cpuSeconds(source.pid) - before[0],
    targetCpuSeconds: cpuSeconds(target.pid) - before[1],
  }
}

const three = (rounds, figure, digits) => {
  const { min, median, max } = spread(rounds.map(figure))
  return [min, median, max].map(value => value.toFixed(digits)).join(' / ')
}

const perEntity = ({ cpuSeconds, entities }) => (1e6 * cpuSeconds) / entities

/** What people read. */
export const printProvisioning = results => {
  for (const { servers, users, groups, members, sides } of results) {
    console.log(`\nFull copy of ${users} users and ${groups} groups of ${members}, servers: ${servers}`)
    for (const [side, rounds] of Object.entries(sides)) {
      const of = (figure, digits) => three(rounds, figure, digits)
      console.log(
        `  ${side}: ${of(r => r.perSecond, 0)} entities/s, CPU ${of(perEntity, 0)} us/entity, peak ${of(r => r.megabytes, 0)} MB;` +
          ` CPU of source and target ${of(r => r.sourceCpuSeconds + r.targetCpuSeconds, 1)} s`,
      )
      if (!rounds[0].delta) continue
      const ofDelta = (figure, digits) => three(rounds, ({ delta }) => figure(delta), digits)
      console.log(
        `    wall time of the full job ${of(r => r.wallSeconds, 1)} s; before it ${of(r => r.idleMegabytes, 0)} MB`,
      )
      console.log(
        `    delta job, ${rounds[0].delta.entities} changed: ${ofDelta(d => d.seconds, 2)} s, CPU ${ofDelta(perEntity, 0)} us/entity, ${ofDelta(d => d.requests, 0)} requests`,
      )
    }
  }
}

/** Goals and what was measured, side by side. */
export const printProvisioningSummary = results => {
  for (const { servers, sides } of results) {
    const { Countersign: ours, 'undici in a straight loop': loop } = sides
    if (!ours) return console.log('\n  provisioning: the product is not built')
    const { ofLoop, megabytes, deltaTimes } = goals
    const say = (title, goal, digits, figures, isMet) => {
      const verdict = isMet(spread(figures).median) ? 'reached' : 'NOT reached'
      const shown = three(figures, value => value, digits)
      console.log(`  ${`${title} (${servers})`.padEnd(64)}${goal.padEnd(22)}${shown}  ${verdict}`)
    }
    const times = ours.map((round, i) => round.perSecond / loop[i].perSecond)
    say('Full copy, throughput of the loop', `${ofLoop} times`, 2, times, value => value >= ofLoop)
    const peaks = ours.map(round => round.megabytes)
    say('Full copy, peak memory', `below ${megabytes} MB`, 0, peaks, value => value < megabytes)
    const seconds = ({ seconds, entities }) => seconds / entities
    const delta = ours.map(round => seconds(round.delta) / seconds(round))
    say(
      'Delta job, per entity of the full one',
      `at most ${deltaTimes} times`,
      2,
      delta,
      value => value <= deltaTimes,
    )
  }
}
