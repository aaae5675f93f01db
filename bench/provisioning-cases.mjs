// A full job between two SCIM servers, beside a straight loop that does the same. Both servers share one processor, and
// the one who copies has the other for itself.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { root } from '../scripts/node.mjs'
import { cpuSeconds, processor, spread, startServer } from './measure.mjs'

const sizes = { users: 50_000, groups: 500, members: 100 }
const fewer = { users: 5_000, groups: 50, members: 100 }

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

/** One run of the loop: what it prints. */
const loopSide = ({ source, target }) => {
  const argument = JSON.stringify({ source: source.url, target: target.url })
  const other = String(availableParallelism() > 1 ? processor - 1 : processor)
  const child = spawn('taskset', ['-c', other, process.execPath, loop, argument], {
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

/** Name -> one full copy from a filled source to an empty target, as figures like those of the loop. */
const sides = { 'undici in a straight loop': loopSide }

const figures = ['perSecond', 'cpuSeconds', 'megabytes', 'sourceCpuSeconds', 'targetCpuSeconds']

/** Runs every side `rounds` times on every pair of servers, each round from an empty target. */
export const runProvisioning = async ({ rounds, quick }) => {
  const results = []
  for (const { name, server, present, fewer: small } of provisioningPairs) {
    if (present && !present()) continue
    const wanted = quick || small ? fewer : sizes
    const source = await startServer(server)
    const target = await startServer(server)
    try {
      await source.ask(`preload ${JSON.stringify(wanted)}`)
      const played = Object.fromEntries(Object.keys(sides).map(side => [side, []]))
      for (let round = 0; round < rounds; round++)
        for (const [side, run] of Object.entries(sides))
          played[side].push(await oneRound(run, { source, target }, wanted))
      const of = all => Object.fromEntries(figures.map(figure => [figure, spread(all.map(r => r[figure]))]))
      results.push({
        servers: name,
        ...wanted,
        sides: Object.fromEntries(Object.entries(played).map(([side, all]) => [side, of(all)])),
      })
    } finally {
      await source.stop()
      await target.stop()
    }
  }
  return results
}

const oneRound = async (run, servers, wanted) => {
  const { source, target } = servers
  await target.ask('reset')
  const before = [cpuSeconds(source.pid), cpuSeconds(target.pid)]
  const told = await run(servers)
  const there = await target.ask('size')
  if (there.users !== wanted.users || there.groups !== wanted.groups)
    throw new Error(`the target has ${there.users} users and ${there.groups} groups`)
  return {
    ...told,
    sourceCpuSeconds: cpuSeconds(source.pid) - before[0],
    targetCpuSeconds: cpuSeconds(target.pid) - before[1],
  }
}

/** What people read. */
export const printProvisioning = results => {
  for (const { servers, users, groups, members, sides } of results) {
    console.log(`\nFull copy of ${users} users and ${groups} groups of ${members}, servers: ${servers}`)
    for (const [side, told] of Object.entries(sides)) {
      const three = ({ min, median, max }, digits) =>
        [min, median, max].map(value => value.toFixed(digits)).join(' / ')
      const { perSecond, cpuSeconds, megabytes, sourceCpuSeconds, targetCpuSeconds } = told
      console.log(
        `  ${side}: ${three(perSecond, 0)} entities/s, CPU ${three(cpuSeconds, 1)} s, peak ${three(megabytes, 0)} MB;` +
          ` CPU of the source ${three(sourceCpuSeconds, 1)} s, of the target ${three(targetCpuSeconds, 1)} s`,
      )
    }
  }
}
