// Runs a case: starts all its sides, checks their answers, then loads them in turn, round by round.
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { join } from 'node:path'
import { issueServerCertificate, makeRoot } from '../dist/crypto/server-certificate.js'
import { createWorld } from './cases.mjs'
import {
  bearer,
  load,
  loadByClient,
  processorTicks,
  residentMegabytes,
  spread,
  startClient,
  startServer,
  watched,
  writeRequest,
} from './measure.mjs'

/** Runs one case, on plain listeners unless it says otherwise. */
export const runCase = (each, settings) =>
  run(each, each.sides, { ...createWorld(settings.directory), ...each.world?.() }, settings)

/** The same over TLS, one round. */
export const runTls = (each, settings) => {
  const world = { ...createWorld(settings.directory), tls: certificate() }
  const sides = each.sides.filter(side => !side.plainOnly && !side.command)
  const { goal: _, ...rest } = each
  return run({ ...rest, title: `${each.title}, over TLS 1.3` }, sides, world, { ...settings, rounds: 1 })
}

const certificate = () => {
  const now = Date.now()
  const root = makeRoot({ commonName: 'Benchmark root', now, random: randomBytes })
  const issued = issueServerCertificate({ root, hosts: ['localhost'], now, days: 1, random: randomBytes })
  return { cert: issued.pem, key: issued.privateKey.export({ format: 'pem', type: 'pkcs8' }) }
}

const run = async (each, sides, world, settings) => {
  const complaints = []
  const backend = each.backend ? await startServer('backend') : undefined
  const running = []
  try {
    for (const side of sides) running.push(await startSide(side, { ...world, backend }, settings))
    for (const side of running) {
      await checkAnswers(side, complaints)
      if (!side.command) await loadOn(side, settings.warmUpSeconds * (each.warmUpTimes ?? 1))
    }
    const before = processorTicks()
    const disturbed = await playRounds(running, backend, settings, complaints)
    const after = processorTicks()
    for (const side of running) await checkAnswers(side, complaints)
    const dropped = await Promise.all(
      running.filter(({ ours }) => ours).map(({ server }) => server.ask('dropped')),
    )
    const share = what => (100 * (after[what] - before[what])) / (after.all - before.all)
    return {
      name: each.name,
      title: each.title,
      goal: each.goal,
      idlePercent: share('idle'),
      stealPercent: share('steal'),
      othersPercent: spread(running.flatMap(({ rounds }) => rounds.map(round => round.othersPercent))),
      disturbed,
      droppedEntries: dropped.reduce((sum, each) => sum + each, 0),
      complaints,
      late: running.flatMap(({ rounds }) => rounds).reduce((sum, { late = 0 }) => sum + late, 0),
      sides: running.map(({ name, server, rounds }) => ({
        name,
        rounds,
        microseconds: spread(rounds.map(({ microseconds }) => microseconds)),
        ...(rounds[0].perSecond && { perSecond: spread(rounds.map(({ perSecond }) => perSecond)) }),
        megabytes: residentMegabytes(server.pid),
      })),
    }
  } finally {
    for (const { server, client } of running) {
      await client?.stop()
      await server.stop()
    }
    await backend?.stop()
  }
}

/** Starts a side and writes down what will be sent to it. */
export const startSide = async (side, world, { profile, seconds } = {}) => {
  const options = side.options(world)
  const nodeOptions = profile && side.ours ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : []
  const server = await startServer(side.server, options, { nodeOptions })
  const started = { ...side, server, rounds: [], tokens: options.tokens?.file }
  if (side.client) {
    const { port } = server
    const { sender, ca } = world
    const request = side.request && asBytes(side.request(server))
    started.client = await startClient({ ...side.client, port, sender, ca, request, seconds })
    started.sender = sender
  } else if (!side.command) {
    started.script = join(world.newDirectory(), 'request.lua')
    started.bodies = side.once && join(world.newDirectory(), 'bodies')
    if (!side.once) {
      const { tokens, credential } = started
      writeRequest(started.script, side.request(server), { tokens, credential })
    }
  }
  return started
}

/** A request as it goes over the line. */
const asBytes = ({ method, path, headers, body }) => {
  const all = { ...headers, ...(body && { 'Content-Length': Buffer.byteLength(body) }) }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`
}

const loadOn = (side, seconds) => {
  const { server, client, script } = side
  if (client) return loadByClient(client, server)
  if (side.once) prepareBodies(side, seconds)
  return load(server, script, seconds)
}

/** More than any side answers in a second. */
const mostPerSecond = 15_000

/** Requests of which each is good once: made just before they are sent, so many that none is sent again. */
const prepareBodies = ({ server, script, bodies, request }, seconds) => {
  const lines = Array.from({ length: seconds * mostPerSecond }, () => request(server).body)
  writeFileSync(bodies, lines.join('\n'))
  writeRequest(script, request(server), { bodies })
}

/** So much of one processor may others take before a round is played again. */
const mostOthersPercent = 15

/**
 * Plays the rounds. One in which other programs were busy is played again, all sides of it, while repeats are left:
 * as many as there are rounds. Gives how many were thrown away.
 */
const playRounds = async (sides, backend, { rounds, seconds }, complaints) => {
  let disturbed = 0
  for (let kept = 0; kept < rounds; ) {
    const played = []
    for (const side of sides) {
      const watchedServers = [side.server, backend, side.client].filter(each => each?.pid)
      played.push(await watched(watchedServers, () => oneRound(side, seconds, complaints)))
    }
    if (disturbed < rounds && played.some(({ othersPercent }) => othersPercent > mostOthersPercent)) {
      disturbed++
      continue
    }
    for (const [i, side] of sides.entries()) side.rounds.push(played[i])
    kept++
  }
  return disturbed
}

const oneRound = async (side, seconds, complaints) => {
  const { server, name, command } = side
  if (command) return { microseconds: await server.ask(command) }
  const round = await loadOn(side, seconds)
  // A late answer is no wrong one: on a busy computer both sides have them. It is printed, not failed.
  const { requests, refused, broken } = round
  if (refused + broken > 0)
    complaints.push(`${name}: of ${requests} requests ${refused} refused, ${broken} broken off`)
  return round
}

/** Before and after the load: are the answers right? */
const checkAnswers = async (side, complaints) => {
  if (!side.verify || side.command) return
  const token = side.tokens && readFileSync(side.tokens, 'utf8').split('\n')[7]
  const send = ({ forged, ...changed } = {}) => {
    const request = side.request(side.server)
    const { header, prefix } = side.credential ?? bearer
    if (token) request.headers[header] = `${prefix}${forged ? forge(token) : token}`
    const certificate = side.sender && { cert: side.sender.chain, key: side.sender.key }
    return exchange(side.server.url, { ...request, certificate, ...changed })
  }
  try {
    await side.verify(side.server, send)
  } catch (error) {
    complaints.push(`${side.name}: ${error.message}`)
  }
}

const forge = token => `${token.slice(0, -10)}${token.at(-10) === 'A' ? 'B' : 'A'}${token.slice(-9)}`

/** One request on a connection of its own. The certificate was made a moment ago, by us. */
const exchange = (url, { method, path, headers, body, certificate }) =>
  new Promise((resolve, reject) => {
    const request = url.startsWith('https:') ? tlsRequest : plainRequest
    const { hostname, port } = new URL(url)
    const length = method === 'POST' && body ? { 'Content-Length': Buffer.byteLength(body) } : {}
    const options = { hostname, port, path, method, agent: false, rejectUnauthorized: false, ...certificate }
    const sent = request({ ...options, headers: { ...headers, ...length } }, response => {
      const chunks = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }),
      )
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(method === 'POST' ? body : undefined)
  })
